-- grain: one line per change, dataset, template and reason between two releases
with changes as (
    select * from change_table
)

select
    change,
    dataset,
    template,
    reason,
    count(*) as pairs,
from changes
group by change, dataset, template, reason
order by change asc, dataset asc, template asc, reason asc
