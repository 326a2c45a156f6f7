-- grain: one line per training dataset and benchmark that hold the same sound
-- before it is read: set variable lake = 'lake';
-- a benchmark's clips are those that a run of the lake answered about
-- and, for another release than HEAD: set variable release = '<id>';
set variable release = coalesce(
    getvariable('release'),
    (select trim(content, chr(10)) from read_text(getvariable('lake') || '/releases/HEAD'))
);

set variable parts = (
    select parts
    from
        read_json(
            getvariable('lake') || '/releases/' || getvariable('release') || '.json',
            columns = { parts: 'struct(
                dataset varchar, train varchar[], "rows" struct(path varchar),
                clips struct(path varchar), pairs struct(path varchar)
            )[]' }
        )
);

set variable pairs_files = (
    select list(getvariable('lake') || '/' || part.pairs.path)
    from (select unnest(getvariable('parts')) as part) as given
);

set variable clips_files = (
    select list(getvariable('lake') || '/' || part.clips.path)
    from (select unnest(getvariable('parts')) as part) as given
);

with parts as (
    select
        part.dataset,
        part.train,
        getvariable('lake') || '/' || part.pairs.path as pairs_file,
    from (select unnest(getvariable('parts')) as part) as given
),

pairs as (
    select
        pairs.dataset,
        pairs.clip_id,
        count(*) as pairs,
    from read_parquet(getvariable('pairs_files'), filename = true) as pairs
    inner join parts
        on pairs.filename = parts.pairs_file and list_contains(parts.train, pairs.split)
    group by all
),

clips as (
    select * from read_parquet(getvariable('clips_files'))
),

asked as (
    select distinct
        benchmark,
        clip_id,
    from read_parquet(getvariable('lake') || '/runs/*/answers/*.parquet')
),

marks as (
    select
        clip_id,
        unnest(list_distinct(
            [('file', source_sha256), ('samples', sample_sha256)]
            || list_transform(coalesce(origin_ids, []), lambda x: ('origin', x))
        )) as mark,
    from clips
),

shared as (
    select
        pairs.dataset,
        asked.benchmark,
        pairs.clip_id,
        any_value(pairs.pairs) as pairs,
        list_sort(list(distinct mine.mark[1])) as kinds,
        min(mine.mark[2]) as example,
    from pairs
    inner join marks as mine on pairs.clip_id = mine.clip_id
    inner join marks as theirs on mine.mark = theirs.mark
    inner join asked on theirs.clip_id = asked.clip_id
    group by all
)

select
    dataset,
    benchmark,
    count(*) as clips,
    sum(pairs)::bigint as pairs,
    count(*) filter (where list_contains(kinds, 'origin')) as by_origin,
    count(*) filter (where list_contains(kinds, 'file')) as by_file,
    count(*) filter (where list_contains(kinds, 'samples')) as by_samples,
    min(example) as example,
from shared
group by all
order by all
