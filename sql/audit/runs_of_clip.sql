-- grain: one line per run whose release has pairs of one clip, or of clips of one origin
-- before it is read: set variable lake = 'lake'; set variable id = '<clip id, or freesound:7>';
with releases as (
    select
        release_id,
        unnest(parts) as part,
    from
        read_json(
            getvariable('lake') || '/releases/*.json',
            columns = {
                release_id: 'varchar',
                parts: 'struct(dataset varchar, train varchar[], pairs struct(path varchar))[]'
            }
        )
),

runs as (
    select
        run_id,
        name,
        release_id,
        config ->> '$.stage' as stage,
    from
        read_json(
            getvariable('lake') || '/runs/*/run.json',
            columns = { run_id: 'varchar', name: 'varchar', release_id: 'varchar', config: 'json' }
        )
),

clips as (
    select distinct clip_id
    from read_parquet(getvariable('lake') || '/audio/*/*/clips.parquet')
    where
        clip_id = getvariable('id')
        or list_contains(origin_ids, getvariable('id'))
),

pairs as (
    select *
    from read_parquet(getvariable('lake') || '/pairs/*/*.parquet', filename = true)
    where clip_id in (select clips.clip_id from clips)
)

select
    runs.run_id,
    runs.name,
    runs.stage,
    runs.release_id,
    pairs.clip_id,
    count(*) as pairs,
    list_sort(list(distinct pairs.template)) as templates,
from pairs
inner join releases
    on
        pairs.filename = getvariable('lake') || '/' || releases.part.pairs.path
        and list_contains(releases.part.train, pairs.split)
inner join runs on releases.release_id = runs.release_id
group by all
order by all
