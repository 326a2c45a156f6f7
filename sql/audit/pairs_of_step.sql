-- grain: one line per sample of one step of a run, in the order of its batch
-- before it is read: set variable lake = 'lake'; set variable run = '<id>';
-- and: set variable step = 7;  the order is that of pengi_model/order.py, in SQL
set variable run_release = (
    select release_id
    from
        read_json(
            getvariable('lake') || '/runs/' || getvariable('run') || '/run.json',
            columns = { release_id: 'varchar' }
        )
);

set variable parts = (
    select parts
    from
        read_json(
            getvariable('lake') || '/releases/' || getvariable('run_release') || '.json',
            columns = { parts: 'struct(
                dataset varchar, train varchar[], "rows" struct(path varchar),
                clips struct(path varchar), pairs struct(path varchar)
            )[]' }
        )
);

set variable pairs_files = (
    select list(getvariable('lake') || '/' || part.pairs.path)
    from (select unnest(getvariable('parts')) as part) as given
    where len(part.train) > 0
);

set variable seed = (
    select seed
    from
        read_json(
            getvariable('lake') || '/runs/' || getvariable('run') || '/order.json',
            columns = { seed: 'bigint' }
        )
);

set variable n = (
    select pairs
    from
        read_json(
            getvariable('lake') || '/runs/' || getvariable('run') || '/order.json',
            columns = { pairs: 'bigint' }
        )
);

-- bits of half a position
set variable half = (
    select greatest(1, (length(ltrim(bin(getvariable('n') - 1), '0')) + 1) // 2)
);

with recursive order_file as (
    select
        templates,
        coalesce(held_out, 0.0) as held_out,
        unnest(plan) as part,
    from
        read_json(
            getvariable('lake') || '/runs/' || getvariable('run') || '/order.json',
            columns = {
                templates: 'map(varchar, bigint)',
                held_out: 'double',
                plan: 'struct("first" bigint, "stop" bigint, batch bigint, first_sample bigint)[]'
            }
        )
),

planned as (
    select
        part."first",
        part."stop",
        part.batch,
        part.first_sample,
    from order_file
),

weights as (
    select
        any_value(templates) as templates,
        any_value(held_out) as held_out,
    from order_file
),

ran as (
    select
        "first",
        "stop",
    from
        read_json(
            getvariable('lake') || '/runs/' || getvariable('run') || '/steps.jsonl',
            columns = { "first": 'bigint', "stop": 'bigint' },
            format = 'newline_delimited',
            ignore_errors = true  -- the last line of a killed run may be cut
        )
    where "stop" is not null
),

parts as (
    select
        part.dataset,
        part.train,
        getvariable('lake') || '/' || part.pairs.path as pairs_file,
    from (select unnest(getvariable('parts')) as part) as given
),

-- how often a pair stands in an epoch: as often as its template is weighted, or once
weighted as (
    select
        pairs.*,
        weights.held_out,
        case
            when cardinality(weights.templates) = 0 then 1
            else coalesce(weights.templates[pairs.template], 0)
        end as times,
    from read_parquet(getvariable('pairs_files'), filename = true, file_row_number = true) as pairs
    inner join parts
        on pairs.filename = parts.pairs_file and list_contains(parts.train, pairs.split)
    cross join weights
),

placed as (
    select
        *,
        sum(times) over (order by dataset, file_row_number) - times as first_position,
    from weighted
    where
        times > 0
        -- clips kept for validation are those whose ids, as numbers, are smallest
        and ('0x' || left(clip_id, 8))::bigint >= held_out * 4294967296
),

samples as (
    select
        unnest(range(
            first_sample + (getvariable('step') - "first") * batch,
            first_sample + (getvariable('step') - "first" + 1) * batch
        )) as sample,
        sample // getvariable('n') as epoch,
        (sample % getvariable('n'))::ubigint as place,
    from planned
    where getvariable('step') >= "first" and getvariable('step') < "stop"
),

epochs as (
    select distinct epoch
    from samples
),

keys as (
    select
        epoch,
        part * 4 + k as round,
        (
            '0x' || substr(digest, 16 * k + 15, 2) || substr(digest, 16 * k + 13, 2)
            || substr(digest, 16 * k + 11, 2) || substr(digest, 16 * k + 9, 2)
            || substr(digest, 16 * k + 7, 2) || substr(digest, 16 * k + 5, 2)
            || substr(digest, 16 * k + 3, 2) || substr(digest, 16 * k + 1, 2)
        )::ubigint as key,
    from (
        select
            epochs.epoch,
            parts_of_keys.part,
            unnest(range(4)) as k,
            sha256(
                'pengi order ' || getvariable('seed') || ' ' || epochs.epoch || ' '
                || parts_of_keys.part
            ) as digest,
        from epochs
        cross join (select unnest([0, 1]) as part) as parts_of_keys
    ) as digests
),

-- a Feistel network of eight rounds, gone through again while the value is beyond the pairs
walk as (
    select
        sample,
        epoch,
        0::bigint as round,
        place >> getvariable('half') as "left",
        place & ((1::ubigint << getvariable('half')) - 1) as "right",
    from samples
    union all
    select
        sample,
        epoch,
        round + 1 as round,
        "right" as "left",
        xor("left", xor(c, c >> 31) & ((1::ubigint << getvariable('half')) - 1)) as "right",
    from (
        select
            walk.*,
            (
                (xor(walk."right", keys.key)::uhugeint * 11400714819323198485)
                % 18446744073709551616::uhugeint
            )::ubigint as a,
            (
                (xor(a, a >> 30)::uhugeint * 13787848793156543929)
                % 18446744073709551616::uhugeint
            )::ubigint as b,
            (
                (xor(b, b >> 27)::uhugeint * 10723151780598845931)
                % 18446744073709551616::uhugeint
            )::ubigint as c,
        from walk
        inner join keys on walk.epoch = keys.epoch and walk.round % 8 = keys.round
        where
            walk.round % 8 > 0
            or walk.round = 0
            or ((walk."left" << getvariable('half')) | walk."right") >= getvariable('n')
    ) as mixed
),

positions as (
    select
        walk.sample,
        ((walk."left" << getvariable('half')) | walk."right")::bigint as position,
    from walk
    where
        walk.round > 0
        and walk.round % 8 = 0
        and ((walk."left" << getvariable('half')) | walk."right") < getvariable('n')
)

select
    positions.sample,
    positions.position,
    placed.pair_id,
    placed.dataset,
    placed.template,
    placed.input,
    placed.output,
    getvariable('step') in (select unnest(range(ran."first", ran."stop")) from ran) as ran,
from positions
asof join placed on positions.position >= placed.first_position
order by positions.sample
