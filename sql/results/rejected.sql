-- grain: one line per dataset, stop and reason of what was left out
with rejected as (
    select * from rejected_table
)

select
    dataset,
    stop,
    reason,
    count(*) as subjects,
    min(subject) as example,
from rejected
group by dataset, stop, reason
order by dataset asc, stop asc, subjects desc, reason asc
