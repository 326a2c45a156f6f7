-- grain: one line per training clip and benchmark that hold the same sound, with how it shows
with training as (
    select * from training_table
),

held_out as (
    select * from held_out_table
),

-- a sound is known by where it is from, by the bytes of its file and by its samples
training_marks as (
    select
        clip_id,
        'origin' as kind,
        unnest(origin_ids) as mark,
    from training
    union all
    select
        clip_id,
        'file' as kind,
        source_sha256 as mark,
    from training
    union all
    select
        clip_id,
        'samples' as kind,
        sample_sha256 as mark,
    from training
),

held_out_marks as (
    select
        benchmark,
        clip,
        'origin' as kind,
        unnest(origin_ids) as mark,
    from held_out
    union all
    select
        benchmark,
        clip,
        'file' as kind,
        source_sha256 as mark,
    from held_out
    union all
    select
        benchmark,
        clip,
        'samples' as kind,
        sample_sha256 as mark,
    from held_out
),

shared as (
    select
        training_marks.clip_id,
        held_out_marks.benchmark,
        list_sort(list(distinct training_marks.kind)) as kinds,
        min(training_marks.kind || ' ' || training_marks.mark) as example,
        min(held_out_marks.clip) as held_out_clip,
        count(distinct held_out_marks.clip) as held_out_clips,
    from training_marks
    inner join held_out_marks
        on training_marks.kind = held_out_marks.kind and training_marks.mark = held_out_marks.mark
    group by training_marks.clip_id, held_out_marks.benchmark
)

select
    training.dataset,
    training.clip_id,
    training.clip,
    training.pairs,
    shared.benchmark,
    shared.kinds,
    shared.example,
    shared.held_out_clip,
    shared.held_out_clips,
from shared
inner join training on shared.clip_id = training.clip_id
order by training.dataset, shared.benchmark, training.clip, training.clip_id
