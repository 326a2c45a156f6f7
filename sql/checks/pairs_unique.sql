-- grain: one line per pair id that more than one pair carries
with pairs as (
    select * from pair_table
)

select
    pair_id,
    count(*) as n,
from pairs
group by all
having count(*) > 1
