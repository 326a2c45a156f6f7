-- grain: one line per cell of the paper's tables that a run of ours fills, or extra benchmark
with published as (
    select * from published_table
),

scores as (
    select * from score_table
),

runs as (
    select * from run_table
),

benchmarks as (
    select * from benchmark_table
),

datasets as (
    select dataset from dataset_table
),

skipped as (
    select
        dataset,
        reason,
    from skipped_table
),

-- which run, asked how, stands in which row of the paper
ours as (
    select sources.*
    from (
        values
        ('table3', 'CLAP', 'clap', 'cosine'),
        ('table3', 'Pengi', 'pengi', 'generate'),
        ('table4', 'A_audiocaps', 'single_task_caption', 'generate'),
        ('table4', 'B_audiocaps', 'pengi', 'generate'),
        ('table4', 'A_clotho', 'single_task_caption', 'generate'),
        ('table4', 'B_clotho', 'pengi', 'generate'),
        ('table5', 'Pengi', 'pengi', 'generate'),
        ('table6', 'Pengi', 'pengi', 'generate'),
        ('table7', 'AudioCaps: Pengi', 'pengi', 'generate'),
        ('table7', 'Clotho: Pengi', 'pengi', 'generate'),
        ('table8', 'CLAP', 'clap', 'cosine'),
        ('table8', 'Pengi', 'pengi', 'generate'),
        ('table9', 'CLAP (L1)', 'clap_probe_1', 'probe'),
        ('table9', 'CLAP (L3)', 'clap_probe_3', 'probe'),
        ('table9', 'Pengi (ZS)', 'pengi', 'generate'),
        ('table9', 'Pengi (L1)', 'pengi_probe_1', 'probe'),
        ('table9', 'Pengi (L3)', 'pengi_probe_3', 'probe'),
        ('table12', 'CLAP', 'clap', 'cosine'),
        ('table13', 'Frozen Pengi', 'frozen_pengi', 'generate'),
        ('table13', 'Pengi', 'pengi', 'generate'),
        ('table14', 'Exp B', 'no_text_encoder', 'generate'),
        ('table14', 'Pengi', 'pengi', 'generate'),
        ('table15', 'CLAP*', 'clap_star', 'cosine'),
        ('table15', 'Pengi', 'pengi', 'generate')
    ) as sources (table_id, row_name, run, protocol)
),

-- where a cell's benchmark and prompt stand differs between the tables
cells as (
    select
        published.*,
        coalesce(ours.run, 'pengi') as run,
        coalesce(ours.protocol, 'generate') as protocol,
        case
            when published.table_id = 'table4' and published.row_name like '%audiocaps'
                then 'audiocaps_cap'
            when published.table_id = 'table4' then 'clotho_cap'
            when published.table_id = 'table6' then 'clotho_t2a'
            when published.row_name like 'AudioCaps: %' then 'audiocaps_cap'
            when published.row_name like 'Clotho: %' then 'clotho_cap'
            when published.table_id = 'table11' then published.row_name
            else published.column_name
        end as benchmark,
        case
            when published.table_id = 'table11' and published.column_name = 'question'
                then 'question: {question}'
            when published.table_id = 'table11' then replace(published.column_name, '_', ' ')
        end as prompt,
    from published
    left join ours
        on published.table_id = ours.table_id and published.row_name = ours.row_name
    where ours.run is not null or published.table_id = 'table11'
),

-- the prompt that a run's headline number was asked with
headlines as (
    select
        run_id,
        benchmark,
        protocol,
        prompt,
    from scores
    where headline
),

-- extra benchmarks of ours: no table of the paper has such a column
extra as (
    select
        row_number() over (order by benchmark, run)
        + (select max(published.place) from published) as place,
        'ours' as table_id,
        case run when 'clap' then 'CLAP' when 'pengi' then 'Pengi' else run end as row_name,
        benchmark as column_name,
        metric,
        null::double as value,
        'fraction' as unit,
        'not_reported' as status,
        '' as note,
        run,
        protocol,
        benchmark,
        prompt,
    from scores
    where headline and benchmark not in (select cells.benchmark from cells)
),

asked as (
    select * from cells
    union all by name
    select * from extra
),

filled as (
    select
        asked.*,
        runs.run_id,
        scores.prompt as asked_with,
        scores.benchmark is not null as scored,
        scores.value * if(asked.unit = 'percent', 100, 1) as ours,
        scores.ci_low * if(asked.unit = 'percent', 100, 1) as ci_low,
        scores.ci_high * if(asked.unit = 'percent', 100, 1) as ci_high,
        scores.chance * if(asked.unit = 'percent', 100, 1) as chance,
        scores.n,
        scores.n_official,
        scores.reason as score_reason,
    from asked
    left join runs on asked.run = runs.run
    left join headlines
        on
            runs.run_id = headlines.run_id
            and asked.benchmark = headlines.benchmark
            and asked.protocol = headlines.protocol
    left join scores
        on
            runs.run_id = scores.run_id
            and asked.benchmark = scores.benchmark
            and asked.protocol = scores.protocol
            and asked.metric = scores.metric
            and coalesce(asked.prompt, headlines.prompt) = scores.prompt
)

select
    filled.table_id as "table",
    filled.row_name as "row",
    filled.column_name as "column",
    filled.metric,
    filled.value as paper,
    filled.ours,
    filled.ci_low,
    filled.ci_high,
    filled.n,
    filled.n_official,
    filled.run_id,
    case
        when filled.ours is not null then null
        when filled.status = 'unsupported' then 'this model cannot do the task'
        when filled.scored then filled.score_reason
        when filled.run_id is null then 'run ' || filled.run || ' was not made on this release'
        when benchmarks.benchmark is null
            then 'no dataset file declares this benchmark'
        when datasets.dataset is null
            then
                'dataset ' || benchmarks.dataset || ' is not in this release'
                || coalesce(': ' || skipped.reason, '')
        when filled.prompt is not null then 'not asked with this prompt'
        else 'run ' || filled.run || ' was not evaluated on this benchmark'
    end as reason,
    filled.chance,
    filled.benchmark,
    filled.asked_with as prompt,
    filled.unit,
    filled.note,
from filled
left join benchmarks on filled.benchmark = benchmarks.benchmark
left join datasets on benchmarks.dataset = datasets.dataset
left join skipped on benchmarks.dataset = skipped.dataset
where filled.status <> 'not_reported' or filled.note <> '' or filled.ours is not null
order by filled.place
