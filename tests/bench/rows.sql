-- grain: one line per synthesised row of one dataset, in its reader's order
-- variables: dataset, kind, rows, per_clip (rows that annotate one clip)
with words as (
    select list(word || substr(md5(n::varchar), 1, 1 + n % 4) order by n, word) as known
    from range(3000) as numbers (n)
    cross join (values ('bar'), ('ra'), ('clo')) as stems (word)
    where n % 3 = length(word) % 3
),

numbered as (
    select
        n,
        n // getvariable('per_clip') as clip_number,
        (hash(n) >> 8)::bigint as seed,
    from range(getvariable('rows')) as numbers (n)
),

spoken as (
    select
        numbered.*,
        list_transform(
            range(4 + seed % 11), lambda i: known[1 + (hash(seed + i) % 999)::bigint]
        ) as said,
        list_transform(
            range(1 + seed % 4), lambda i: known[1 + (hash(seed + 99 * i) % 527)::bigint]
        ) as named,
    from numbered
    cross join words
),

sentences as (
    select
        * exclude (said, named),
        case seed % 50
            when 0 then 'Café ' || array_to_string(said, ' ')
            when 1 then array_to_string(said, '  ') || chr(10)
            else upper(said[1][1]) || said[1][2:] || ' ' || array_to_string(said[2:], ' ') || '.'
        end as sentence,
        list_transform(named, lambda w: upper(w[1]) || w[2:]) as named,
    from spoken
)

select
    getvariable('dataset') as dataset,
    'segments_' || getvariable('kind') || '.csv:' || n as row_id,
    'clips/' || substr(md5(getvariable('dataset') || clip_number), 1, 11) || '.m4a' as clip,
    case when clip_number % 20 = 0 then 'test' else 'train' end as split,
    case when getvariable('kind') = 'captions' then sentence end as caption,
    case when getvariable('kind') = 'qa' then 'Is it ' || sentence || '?' end as question,
    case when getvariable('kind') = 'qa' then ['Yes', 'No', named[1]][1 + seed % 3] end as answer,
    case when getvariable('kind') = 'events' then named end as events,
    null as scene,
    case
        when getvariable('kind') = 'speech' then ['Happy', 'sad', 'neutral'][1 + seed % 3]
    end as emotion,
    case when getvariable('kind') = 'speech' then ['positive', 'negative'][1 + seed % 2]
    end as sentiment,
    case when getvariable('kind') = 'music' then ['English', 'French'][1 + seed % 2] end as language,
    case when getvariable('kind') = 'music' then ['Hip-Hop', 'Rock', 'Folk'][1 + seed % 3]
    end as genre,
    case when getvariable('kind') = 'music' then named end as tags,
    case when getvariable('kind') = 'notes' then ['guitar', 'organ', 'bass'][1 + seed % 3]
    end as instrument,
    case when getvariable('kind') = 'notes' then 9 + seed % 110 end as pitch,
    case when getvariable('kind') = 'notes' then [25, 50, 75, 100, 127][1 + seed % 5]
    end as velocity,
    case when getvariable('kind') = 'notes' then named[2:] end as qualities,
    case when getvariable('kind') = 'music' then sentence end as metadata,
    'CC-BY-4.0' as licence,
    null as attribution,
    ['youtube:' || substr(md5(getvariable('dataset') || clip_number), 1, 11)] as origin_ids,
from sentences
order by n
