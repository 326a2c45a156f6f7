-- grain: one line per row of a benchmark's splits, with the clip it annotates (null if rejected)
with annotations as (
    select * from row_table
),

clips as (
    select
        name,
        clip_id,
    from clip_table
),

splits as (
    select split from split_table
)

select
    annotations.*,
    clips.clip_id,
from annotations
inner join splits on annotations.split = splits.split
left join clips on annotations.clip = clips.name
order by clips.clip_id, annotations.row_id
