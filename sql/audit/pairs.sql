-- grain: one line per dataset, template, its version and licence of the pairs of a release
-- before it is read: set variable lake = 'lake';
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
        parts.dataset,
        pairs.template,
        pairs.template_version,
        pairs.clip_id,
    from read_parquet(getvariable('pairs_files'), filename = true) as pairs
    inner join parts
        on pairs.filename = parts.pairs_file and list_contains(parts.train, pairs.split)
),

clips as (
    select
        clip_id,
        licence,
    from read_parquet(getvariable('clips_files'))
)

select
    pairs.dataset,
    pairs.template,
    pairs.template_version,
    clips.licence,
    count(*) as pairs,
    count(distinct pairs.clip_id) as clips,
from pairs
left join clips on pairs.clip_id = clips.clip_id
group by all
order by all
