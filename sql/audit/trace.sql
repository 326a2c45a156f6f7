-- grain: one line per pair with that id, or per pair of the clip with that id (one if it has none)
-- in the DuckDB shell, before it is read: set variable lake = 'lake'; set variable id = '<id>'
with pairs as (
    select
        *,
        filename as pairs_file,
    from read_parquet(getvariable('lake') || '/pairs/*/*.parquet', filename = true)
    where pair_id = getvariable('id') or clip_id = getvariable('id')
),

clips as (
    select distinct on (clip_id) *
    from read_parquet(getvariable('lake') || '/audio/*/*/clips.parquet')
    where clip_id = getvariable('id') or clip_id in (select pairs.clip_id from pairs)
),

fetches as (
    select distinct on (dataset, sha256) *
    from read_parquet(getvariable('lake') || '/raw/*/fetches.parquet', union_by_name = true)
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
    fetches.bytes as archive_bytes,
    fetches.url,
    fetches.retrieved,
    fetches.checksum,
    fetches.verified,
    pairs.pairs_file,
from clips
left join pairs on clips.clip_id = pairs.clip_id
left join fetches on clips.dataset = fetches.dataset and clips.archive_sha256 = fetches.sha256
order by pairs.pairs_file, pairs.pair_id
