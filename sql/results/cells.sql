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

-- which run, asked how, stands in which row of the paper; prompt null: the headline's
ours as (
    select sources.*
    from (
        values
        ('table3', 'CLAP', 'clap', 'cosine', null),
        ('table3', 'Pengi', 'pengi', 'generate', null),
        ('table4', 'A_audiocaps', 'single_task_caption', 'generate', null),
        ('table4', 'B_audiocaps', 'pengi', 'generate', null),
        ('table4', 'A_clotho', 'single_task_caption', 'generate', null),
        ('table4', 'B_clotho', 'pengi', 'generate', null),
        ('table5', 'Pengi', 'pengi', 'generate', null),
        ('table6', 'Pengi', 'pengi', 'generate', null),
        ('table7', 'AudioCaps: Pengi', 'pengi', 'generate', null),
        ('table7', 'Clotho: Pengi', 'pengi', 'generate', null),
        ('table8', 'CLAP', 'clap', 'cosine', null),
        ('table8', 'Pengi', 'pengi', 'generate', null),
        ('table9', 'CLAP (L1)', 'clap', 'probe', 'L1'),
        ('table9', 'CLAP (L3)', 'clap', 'probe', 'L3'),
        ('table9', 'Pengi (ZS)', 'pengi', 'generate', null),
        ('table9', 'Pengi (L1)', 'pengi', 'probe', 'L1'),
        ('table9', 'Pengi (L3)', 'pengi', 'probe', 'L3'),
        ('table12', 'CLAP', 'clap', 'cosine', null),
        ('table13', 'Frozen Pengi', 'frozen_pengi', 'generate', null),
        ('table13', 'Pengi', 'pengi', 'generate', null),
        ('table14', 'Exp B', 'no_text_encoder', 'generate', null),
        ('table14', 'Pengi', 'pengi', 'generate', null),
        ('table15', 'CLAP*', 'clap_star', 'cosine', null),
        ('table15', 'Pengi', 'pengi', 'generate', null)
    ) as sources (table_id, row_name, run, protocol, prompt)
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
            else ours.prompt
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

names as (
    select known.*
    from (
        values
        ('clap', 'CLAP'),
        ('clap_star', 'CLAP*'),
        ('pengi', 'Pengi'),
        ('frozen_pengi', 'Frozen Pengi'),
        ('no_text_encoder', 'Exp B'),
        ('lm_prompt_only', 'Exp A of App. F')
    ) as known (run, row_name)
),

-- lines of ours that no table of the paper has, after the last line of the one they belong to:
-- benchmarks of our own, the run that App. F tells of in words, probes of two layers
extra as (
    select
        if(scores.protocol = 'probe', 'table9', 'ours') as table_id,
        coalesce(names.row_name, scores.run)
        || if(scores.protocol = 'probe', ' (' || scores.prompt || ')', '') as row_name,
        scores.benchmark as column_name,
        scores.metric,
        null::double as value,
        'fraction' as unit,
        'not_reported' as status,
        '' as note,
        scores.run,
        scores.protocol,
        scores.benchmark,
        scores.prompt,
    from scores
    left join names on scores.run = names.run
    left join benchmarks on scores.benchmark = benchmarks.benchmark
    where
        (
            scores.headline
            and scores.protocol in ('generate', 'cosine')
            and (
                scores.benchmark not in (select cells.benchmark from cells)
                or scores.run = 'lm_prompt_only'
            )
        )
        or (
            scores.protocol = 'probe'
            and scores.prompt not in ('L1', 'L3')
            and scores.metric = benchmarks.metric
        )
),

asked as (
    select * from cells
    union all by name
    select
        extra.*,
        (
            select coalesce(max(published.place), 1000000)
            from published
            where published.table_id = extra.table_id
        ) + 0.5 as place,
    from extra
),

-- what stands beside a number of generated answers
beside as (
    select
        run_id,
        benchmark,
        protocol,
        prompt,
        max(value) filter (where metric = 'exact') as exact,
        max(value) filter (where metric = 'valid') as valid,
        max(value) filter (where metric = 'empty') as empty,
    from scores
    group by all
),

found as (
    select
        asked.*,
        runs.run_id,
        coalesce(asked.prompt, headlines.prompt) as asked_with,
        if(asked.unit = 'percent', 100, 1) as whole,
    from asked
    left join runs on asked.run = runs.run
    left join headlines
        on
            runs.run_id = headlines.run_id
            and asked.benchmark = headlines.benchmark
            and asked.protocol = headlines.protocol
),

scored as (
    select
        found.*,
        scores.benchmark is not null as scored,
        scores.value * found.whole as ours,
        scores.ci_low * found.whole as ci_low,
        scores.ci_high * found.whole as ci_high,
        scores.chance * found.whole as chance,
        likely.value * found.whole as likelihood,
        clip_space.value * found.whole as clip_space,
        scores.n,
        scores.n_official,
        scores.reason as score_reason,
        scores.caution,
        scores.protocol_version,
        scores.decoding,
        scores."window" as audio_window,
        scores.release_id,
        scores.answers_sha256,
        scores.labels_sha256,
    from found
    left join scores
        on
            found.run_id = scores.run_id
            and found.benchmark = scores.benchmark
            and found.protocol = scores.protocol
            and found.metric = scores.metric
            and found.asked_with = scores.prompt
    left join scores as likely
        on
            found.run_id = likely.run_id
            and found.benchmark = likely.benchmark
            and found.protocol = 'generate'
            and likely.protocol = 'likelihood'
            and found.metric = likely.metric
            and found.asked_with = likely.prompt
    left join scores as clip_space
        on
            found.run_id = clip_space.run_id
            and found.benchmark = clip_space.benchmark
            and found.protocol = clip_space.protocol
            and found.metric || '_clip_space' = clip_space.metric
            and found.asked_with = clip_space.prompt
),

-- captions against each other: what people reach, beside Table 7
people as (
    select
        cells.table_id,
        split_part(cells.row_name, ':', 1) || ': one reference against the others' as row_name,
        cells.column_name,
        cells.metric,
        cells.benchmark,
        cells.unit,
        '' as note,
        'not_reported' as status,
        cells.run,
        runs.run_id,
        scores.ceiling as ours,
        scores.n,
        scores.n_official,
        scores.release_id,
        max(cells.place) over (partition by cells.row_name) + 0.5 + cells.place / 1e6 as place,
    from cells
    inner join runs on cells.run = runs.run
    inner join headlines
        on
            runs.run_id = headlines.run_id
            and cells.benchmark = headlines.benchmark
            and cells.protocol = headlines.protocol
    inner join scores
        on
            runs.run_id = scores.run_id
            and cells.benchmark = scores.benchmark
            and cells.metric = scores.metric
            and headlines.protocol = scores.protocol
            and headlines.prompt = scores.prompt
    where cells.table_id = 'table7' and scores.ceiling is not null
),

filled as (
    select * from scored
    union all by name
    select * from people
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
        when filled.protocol = 'probe'
            then 'run ' || filled.run || ' has no probe ' || filled.prompt || ' on this benchmark'
        when filled.prompt is not null then 'not asked with this prompt'
        else 'run ' || filled.run || ' was not evaluated on this benchmark'
    end as reason,
    filled.chance,
    filled.benchmark,
    if(filled.scored, filled.asked_with, null) as prompt,
    filled.unit,
    filled.note,
    filled.caution,
    filled.likelihood,
    filled.clip_space,
    beside.exact,
    beside.valid,
    beside.empty,
    if(filled.scored, filled.protocol, null) as protocol,
    filled.protocol_version,
    filled.decoding,
    filled.audio_window as "window",
    filled.release_id,
    filled.answers_sha256,
    filled.labels_sha256,
from filled
left join beside
    on
        filled.run_id = beside.run_id
        and filled.benchmark = beside.benchmark
        and filled.protocol = beside.protocol
        and filled.asked_with = beside.prompt
left join benchmarks on filled.benchmark = benchmarks.benchmark
left join datasets on benchmarks.dataset = datasets.dataset
left join skipped on benchmarks.dataset = skipped.dataset
where filled.status <> 'not_reported' or filled.note <> '' or filled.ours is not null
order by filled.place, filled.row_name, filled.column_name, filled.prompt
