-- grain: one line per pair of a clip (one if it has none), down to the archive it came from
-- before it is read: set variable lake = 'lake'; set variable id = '<id>';
-- the id is that of a pair, of a clip, or where a clip came from: freesound:7
with all_clips as (
    select distinct on (clip_id) *
    from read_parquet(getvariable('lake') || '/audio/*/*/clips.parquet')
),

pairs as (
    select
        *,
        filename as pairs_file,
    from read_parquet(getvariable('lake') || '/pairs/*/*.parquet', filename = true)
    where
        pair_id = getvariable('id')
        or clip_id = getvariable('id')
        or clip_id in (
            select all_clips.clip_id
            from all_clips
            where list_contains(all_clips.origin_ids, getvariable('id'))
        )
),

clips as (
    select *
    from all_clips
    where
        clip_id = getvariable('id')
        or list_contains(origin_ids, getvariable('id'))
        or clip_id in (select pairs.clip_id from pairs)
),

-- archives (fetches.parquet) and sounds fetched one by one (remotes.parquet, where there are any)
fetches as (
    select *
    from
        read_parquet(
            getvariable('lake') || '/raw/*/[fr]e[tm][co][ht]es.parquet', union_by_name = true
        )
    union all by name
    select null::varchar as name
    where false
),

archives as (
    select distinct on (dataset, sha256) *
    from fetches
    where archive is not null
),

remotes as (
    select *
    from fetches
    where name is not null
)

select
    pairs.pair_id,
    pairs.input,
    pairs.output,
    pairs.template,
    pairs.template_version,
    pairs.row_id,
    pairs.split,
    clips.dataset,
    clips.clip_id,
    clips.name as clip,
    clips.seconds,
    clips.decoder,
    clips.source_sha256,
    clips.sample_sha256,
    clips.shard,
    clips.licence,
    clips.attribution,
    clips.origin_ids,
    clips.archive,
    clips.archive_sha256,
    coalesce(archives.bytes, remotes.bytes) as archive_bytes,
    coalesce(archives.url, remotes.url) as url,
    coalesce(archives.retrieved, remotes.retrieved) as retrieved,
    archives.checksum,
    coalesce(archives.verified, false) as verified,
    pairs.pairs_file,
from clips
left join pairs on clips.clip_id = pairs.clip_id
left join archives
    on clips.dataset = archives.dataset and clips.archive_sha256 = archives.sha256
left join remotes
    on
        clips.dataset = remotes.dataset
        and clips.archive = 'remote'
        and split_part(clips.name, '#t=', 1) = remotes.name
order by pairs.pairs_file, pairs.pair_id
