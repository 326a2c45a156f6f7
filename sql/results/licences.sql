-- grain: one line per dataset and licence of its clips
with clips as (
    select * from clip_table
)

select
    dataset,
    coalesce(licence, 'not stated') as licence,
    count(*) as clips,
    sum(seconds) / 3600 as hours,
from clips
group by all
order by dataset asc, clips desc, licence asc
