-- grain: one line per row id that more than one row of the dataset carries
with rows as (
    select * from row_table
)

select
    row_id,
    count(*) as n,
from rows
group by all
having count(*) > 1
