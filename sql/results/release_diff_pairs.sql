-- grain: one line per changed pair, the first ones of each change; before: set variable most = 10
with changes as (
    select * from change_table
)

select
    change,
    dataset,
    template,
    reason,
    pair_id,
    row_id,
    input,
    output,
from changes
qualify row_number() over (partition by change order by dataset, pair_id) <= getvariable('most')
order by change asc, dataset asc, pair_id asc
