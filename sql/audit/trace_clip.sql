-- grain: one line per pair of the clip (one without a pair if it has none), with its archive
-- in the DuckDB shell, before it is read: set variable lake = 'lake'; set variable id = '<clip id>'
with pairs as (
    select
        *,
        filename as pairs_file,
    from read_parquet(getvariable('lake') || '/pairs/*/*.parquet', filename = true)
    where clip_id = getvariable('id')
),

clips as (
    select distinct on (clip_id) *
    from read_parquet(getvariable('lake') || '/audio/*/*/clips.parquet')
    where clip_id = getvariable('id')
),

fetches as (
    select distinct on (dataset, sha256) *
    from read_parquet(getvariable('lake') || '/raw/*/fetches.parquet')
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
