-- grain: one line per clip that a release trains on, with whom to thank
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

-- of a ledger that was renewed the newest line counts
archives as (
    select
        dataset,
        sha256,
        arg_max(url, retrieved) as url,
    from read_parquet(getvariable('lake') || '/raw/*/fetches.parquet')
    group by all
)

select
    clips.dataset,
    clips.name as title,
    clips.attribution,
    clips.licence,
    array_to_string(clips.origin_ids, ' ') as origin_ids,
    archives.url,
    clips.clip_id,
    pairs.pairs,
from pairs
inner join clips on pairs.clip_id = clips.clip_id
left join archives
    on clips.dataset = archives.dataset and clips.archive_sha256 = archives.sha256
order by clips.dataset, clips.name, clips.clip_id
