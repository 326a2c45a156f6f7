-- grain: one line per dataset, stop and reason of what a release left out
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

set variable rejected_files = (
    with stops as (select unnest(['rows', 'audio', 'pairs']) as stop)

    select
        list(
            getvariable('lake') || '/rejected/' || given.part.dataset || '/'
            || case stops.stop
                when 'rows' then 'rows-' || parse_filename(given.part."rows".path, true)
                when 'audio' then 'audio-' || split_part(given.part.clips.path, '/', 3)
                else 'pairs-' || parse_filename(given.part.pairs.path, true)
            end
            || '.parquet'
        ),
    from (select unnest(getvariable('parts')) as part) as given
    cross join stops
);

select
    dataset,
    stop,
    reason,
    count(*) as subjects,
    min(subject) as example,
    min(detail) as detail,
from read_parquet(getvariable('rejected_files'))
group by all
order by dataset asc, stop asc, subjects desc, reason asc
