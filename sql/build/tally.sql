-- grain: one line per template and licence of the pairs that one dataset brings into a release
with pairs as (
    select
        clip_id,
        split,
        template,
        template_version,
    from pair_table
),

clips as (
    select
        clip_id,
        licence,
    from clip_table
),

splits as (
    select split from split_table
)

select
    pairs.template,
    pairs.template_version,
    clips.licence,
    count(*) as pairs,
    count(distinct pairs.clip_id) as clips,
from pairs
inner join splits on pairs.split = splits.split
left join clips on pairs.clip_id = clips.clip_id
group by all
order by all
