-- grain: one line per archive of the datasets that a release trains on
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

set variable clips_files = (
    select list(getvariable('lake') || '/' || part.clips.path)
    from (select unnest(getvariable('parts')) as part) as given
);

with parts as (
    select part.dataset,
    from (select unnest(getvariable('parts')) as part) as given
    where len(part.train) > 0
),

clips as (
    select
        dataset,
        archive_sha256,
        count(*) as clips,
    from read_parquet(getvariable('clips_files'))
    group by all
)

select
    archives.dataset,
    archives.archive,
    archives.url,
    archives.bytes,
    archives.sha256,
    archives.checksum,
    archives.verified,
    archives.retrieved,
    coalesce(clips.clips, 0) as clips,
from read_parquet(getvariable('lake') || '/raw/*/fetches.parquet') as archives
inner join parts on archives.dataset = parts.dataset
left join clips
    on archives.dataset = clips.dataset and archives.sha256 = clips.archive_sha256
order by archives.dataset, archives.archive
