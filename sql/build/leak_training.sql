-- grain: one line per clip that has pairs in the training splits, with all it may be known by
with pairs as (
    select * from pair_table
),

clips as (
    select * from clip_table
),

rows as (
    select * from row_table
),

splits as (
    select split from split_table
),

trained as (
    select
        pairs.clip_id,
        count(*) as pairs,
    from pairs
    inner join splits on pairs.split = splits.split
    group by pairs.clip_id
),

origins as (
    select
        clip,
        list_sort(list_distinct(flatten(list(coalesce(origin_ids, []))))) as origin_ids,
    from rows
    group by clip
)

select
    clips.dataset,
    clips.clip_id,
    clips.name as clip,
    trained.pairs,
    origins.origin_ids,
    clips.source_sha256,
    clips.sample_sha256,
from trained
inner join clips on trained.clip_id = clips.clip_id
left join origins on clips.name = origins.clip
