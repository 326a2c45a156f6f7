-- grain: one line per clip that a row of the benchmark's splits names, whether it could be had
with rows as (
    select * from row_table
),

clips as (
    select * from clip_table
),

splits as (
    select split from split_table
),

named as (
    select
        rows.clip,
        list_sort(list_distinct(flatten(list(coalesce(rows.origin_ids, []))))) as origin_ids,
    from rows
    inner join splits on rows.split = splits.split
    group by rows.clip
)

select
    named.clip,
    named.origin_ids,
    clips.source_sha256,
    clips.sample_sha256,
from named
left join clips on named.clip = clips.name
