-- grain: one line per pair that one of two releases has and the other has not, with the reason
-- old_table, new_table: the pairs files of what both have, where they differ
-- *_split_table: the splits that they train on
with old_pairs as (
    select
        old_table.*,
        hash(old_table.pair_id) as mark,
        old_split_table.split is not null as trained,
    from old_table
    left join old_split_table
        on old_table.dataset = old_split_table.dataset and old_table.split = old_split_table.split
),

new_pairs as (
    select
        new_table.*,
        hash(new_table.pair_id) as mark,
        new_split_table.split is not null as trained,
    from new_table
    left join new_split_table
        on new_table.dataset = new_split_table.dataset and new_table.split = new_split_table.split
),

had as (
    select mark
    from old_pairs
    where trained
),

has as (
    select mark
    from new_pairs
    where trained
),

-- a number compares faster than 32 digits
lost as (
    select
        'lost' as change,
        old_pairs.*,
    from old_pairs
    anti join has on old_pairs.mark = has.mark
    where old_pairs.trained
),

added as (
    select
        'added' as change,
        new_pairs.*,
    from new_pairs
    anti join had on new_pairs.mark = had.mark
    where new_pairs.trained
),

changes as (
    select * from lost
    union all
    select * from added
),

-- what the other release has beside a pair: itself untrained, its row, its clip
others as (
    select
        'lost' as change,
        dataset,
        pair_id,
        row_id,
        clip_id,
        template,
    from new_pairs
    union all
    select
        'added' as change,
        dataset,
        pair_id,
        row_id,
        clip_id,
        template,
    from old_pairs
),

held_out as (
    select clip_id from held_out_table
),

-- what a takedown or the licences left out of either release
withheld as (
    select
        dataset,
        subject as row_id,
        template,
        stop,
    from withheld_table
)

select
    change,
    dataset,
    template,
    case
        when
            ('takedown', dataset, row_id, template) in (
                select (withheld.stop, withheld.dataset, withheld.row_id, withheld.template)
                from withheld
            )
            then 'takedown'
        when
            ('licence', dataset, row_id, template) in (
                select (withheld.stop, withheld.dataset, withheld.row_id, withheld.template)
                from withheld
            )
            then 'licence'
        when clip_id in (select held_out.clip_id from held_out) then 'held_out'
        when (change, pair_id) in (select (others.change, others.pair_id) from others)
            then 'split'
        when
            (change, dataset, row_id, template) in (
                select (others.change, others.dataset, others.row_id, others.template)
                from others
            )
            then 'changed'
        when (change, clip_id) in (select (others.change, others.clip_id) from others)
            then 'row'
        else 'clip'
    end as reason,
    pair_id,
    clip_id,
    row_id,
    input,
    output,
from changes
