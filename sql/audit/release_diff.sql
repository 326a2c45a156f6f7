-- grain: one line per change, dataset, template and reason of two releases
-- before it is read: set variable lake = 'lake'; set variable old = '<id>';
-- set variable new = '<id>';
-- reasons: dataset (the other has none of it), split (not trained on there), row (its clip and row
-- are there: other text, template or version), clip (its clip is there, its row is not), no_clip
set variable old_parts = (
    select parts
    from
        read_json(
            getvariable('lake') || '/releases/' || getvariable('old') || '.json',
            columns = { parts: 'struct(
                dataset varchar, train varchar[], "rows" struct(path varchar),
                clips struct(path varchar), pairs struct(path varchar)
            )[]' }
        )
);

set variable new_parts = (
    select parts
    from
        read_json(
            getvariable('lake') || '/releases/' || getvariable('new') || '.json',
            columns = { parts: 'struct(
                dataset varchar, train varchar[], "rows" struct(path varchar),
                clips struct(path varchar), pairs struct(path varchar)
            )[]' }
        )
);

set variable old_files = (
    select list(getvariable('lake') || '/' || part.pairs.path)
    from (select unnest(getvariable('old_parts')) as part) as given
);

set variable new_files = (
    select list(getvariable('lake') || '/' || part.pairs.path)
    from (select unnest(getvariable('new_parts')) as part) as given
);

with old_splits as (
    select
        part.dataset,
        getvariable('lake') || '/' || part.pairs.path as pairs_file,
        unnest(part.train) as split,
    from (select unnest(getvariable('old_parts')) as part) as given
),

new_splits as (
    select
        part.dataset,
        getvariable('lake') || '/' || part.pairs.path as pairs_file,
        unnest(part.train) as split,
    from (select unnest(getvariable('new_parts')) as part) as given
),

old_pairs as (
    select
        pairs.*,
        old_splits.split is not null as trained,
    from read_parquet(getvariable('old_files'), filename = true) as pairs
    left join old_splits
        on pairs.filename = old_splits.pairs_file and pairs.split = old_splits.split
),

new_pairs as (
    select
        pairs.*,
        new_splits.split is not null as trained,
    from read_parquet(getvariable('new_files'), filename = true) as pairs
    left join new_splits
        on pairs.filename = new_splits.pairs_file and pairs.split = new_splits.split
),

kept as (
    select pair_id from new_pairs
    where trained
),

lost as (
    select
        'lost' as change,
        old_pairs.*,
    from old_pairs
    anti join kept
        on old_pairs.pair_id = kept.pair_id
    where old_pairs.trained
),

had as (
    select pair_id from old_pairs
    where trained
),

added as (
    select
        'added' as change,
        new_pairs.*,
    from new_pairs
    anti join had
        on new_pairs.pair_id = had.pair_id
    where new_pairs.trained
),

changes as (
    select * from lost
    union all
    select * from added
),

others as (
    select
        'lost' as change,
        *,
    from new_pairs
    union all
    select
        'added' as change,
        *,
    from old_pairs
),

datasets as (
    select
        'lost' as change,
        unnest(list_distinct(list(dataset))) as dataset,
    from new_splits
    union all
    select
        'added' as change,
        unnest(list_distinct(list(dataset))) as dataset,
    from old_splits
),

explained as (
    select
        change,
        dataset,
        template,
        case
            when (change, dataset) not in (select (d.change, d.dataset) from datasets as d)
                then 'dataset'
            when (change, pair_id) in (select (o.change, o.pair_id) from others as o) then 'split'
            when
                (change, clip_id, row_id) in (
                    select (o.change, o.clip_id, o.row_id) from others as o
                )
                then 'row'
            when (change, clip_id) in (select (o.change, o.clip_id) from others as o) then 'clip'
            else 'no_clip'
        end as reason,
    from changes
)

select
    change,
    dataset,
    template,
    reason,
    count(*) as pairs,
from explained
group by all
order by all
