-- grain: one line per sampled answer: the first five clips of a benchmark, by clip id (a hash)
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

ranked as (
    select
        answers.benchmark,
        answers.row_id,
        answers.prompt,
        answers.answer,
        answers.score,
        row_number() over (
            partition by answers.benchmark order by answers.clip_id, answers.row_id
        ) as place,
    from answers
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
    benchmark,
    row_id,
    prompt,
    answer,
    score,
from ranked
where place <= 5
order by benchmark, place
