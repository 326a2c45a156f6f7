-- grain: one line per template and turn: one of its pairs, if there is one not trained on
with pairs as (
    select * from pair_table
),

trained as (
    select * from trained_table
),

templates as (
    select template from template_table
),

known as (
    select
        pairs.*,
        trained.split is not null as trained,
    from pairs
    inner join templates on pairs.template = templates.template
    left join trained on pairs.dataset = trained.dataset and pairs.split = trained.split
),

-- ids are hashes: the order is a draw that anybody can repeat; one pair a clip
ordered as (
    select
        *,
        row_number() over (partition by template, clip_id order by pair_id) as place,
    from known
),

numbered as (
    select
        *,
        row_number() over (partition by template order by trained, pair_id) as turn,
    from ordered
    where place = 1
)

select
    template,
    turn,
    dataset,
    split,
    clip_id,
    input,
    output,
    trained,
from numbered
where turn <= 2
order by turn, template
