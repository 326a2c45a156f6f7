-- grain: one line per dataset whose rows x templates are not pairs + rejected
with rows as (
    select
        dataset,
        count(*) as n,
    from row_table
    group by all
),

templates as (
    select count(*) as n
    from template_table
),

pairs as (
    select
        dataset,
        count(*) as n,
    from pair_table
    group by all
),

rejected as (
    select
        dataset,
        count(*) as n,
    from rejected_table
    group by all
)

select
    rows.dataset,
    rows.n * templates.n as asked,
    coalesce(pairs.n, 0) as pairs,
    coalesce(rejected.n, 0) as rejected,
from rows
cross join templates
left join pairs on rows.dataset = pairs.dataset
left join rejected on rows.dataset = rejected.dataset
where rows.n * templates.n != coalesce(pairs.n, 0) + coalesce(rejected.n, 0)
