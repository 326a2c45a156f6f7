-- grain: one line per clip of a synthesised dataset; every hundredth clip that rows name is gone
-- variables: dataset, clips (named by the rows)
with named as (
    select
        n,
        md5(getvariable('dataset') || n) as id,
        md5('bytes' || n) as bytes_id,
    from range(getvariable('clips')) as numbers (n)
    where n % 100 != 99
)

select
    id as clip_id,
    getvariable('dataset') as dataset,
    'clips/' || substr(id, 1, 11) || '.m4a' as name,
    'archive_' || n // 100000 || '.tar' as archive,
    md5('archive' || n // 100000) || md5('archive') as archive_sha256,
    160000 + n % 1000 as source_bytes,
    bytes_id || id as source_sha256,
    id || bytes_id as sample_sha256,
    441000 as samples,
    10.0 as seconds,
    48000 as source_rate,
    2 as source_channels,
    'm4a' as source_format,
    'pyav 18.1.0' as decoder,
    'mean' as downmix,
    'audio/' || getvariable('dataset') || '/a/shard-' || n // 500 || '.tar' as shard,
    512 + (n % 500) * 580000 as "offset",
    580000 - n % 1000 as bytes,
    'CC-BY-4.0' as licence,
    null as attribution,
    ['youtube:' || substr(id, 1, 11)] as origin_ids,
from named
order by n
