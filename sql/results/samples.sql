-- grain: one line per answer to a headline prompt, for the first three clips of a dataset
with answers as (
    select * from answer_table
),

headlines as (
    select
        run_id,
        benchmark,
        protocol,
        prompt,
    from score_table
    where headline
),

benchmarks as (
    select
        benchmark,
        dataset,
    from benchmark_table
),

ranked as (
    select
        benchmarks.dataset,
        answers.clip_id,
        answers.benchmark,
        answers.row_id,
        answers.prompt,
        answers.answer,
        answers.score,
        dense_rank() over (partition by benchmarks.dataset order by answers.clip_id) as place,
    from answers
    inner join benchmarks on answers.benchmark = benchmarks.benchmark
    inner join headlines
        on
            answers.run_id = headlines.run_id
            and answers.benchmark = headlines.benchmark
            and answers.protocol = headlines.protocol
            and (
                answers.prompt = headlines.prompt
                or contains(headlines.prompt, '{question}')
            )
    where answers.protocol = 'generate'
)

select
    dataset,
    clip_id,
    benchmark,
    row_id,
    prompt,
    answer,
    score,
from ranked
where place <= 3
order by dataset, clip_id, benchmark, row_id, prompt
