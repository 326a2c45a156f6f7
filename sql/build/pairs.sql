-- grain: one line per (row, template of its dataset): a pair, or the reason why it is none
with rows as (
    select * from row_table
),

clips as (
    select
        name,
        clip_id,
    from clip_table
),

templates as (
    select * from template_table
),

asked as (
    select
        rows.*,
        clips.clip_id,
        templates.name as template,
        templates.version as template_version,
        templates.input as template_input,
        templates.needs,
    from rows
    cross join templates
    left join clips on rows.clip = clips.name
),

-- an item without anything but blanks, controls, format characters and dots is no item
listed as (
    select
        * replace (
            list_filter(events, lambda x: regexp_matches(x, '[^\p{Cc}\p{Cf}\pZ.]')) as events,
            list_filter(tags, lambda x: regexp_matches(x, '[^\p{Cc}\p{Cf}\pZ.]')) as tags,
            list_filter(qualities, lambda x: regexp_matches(x, '[^\p{Cc}\p{Cf}\pZ.]')) as qualities
        ),
    from asked
),

-- Table 1, one line per template; a fact that is missing makes the output null
mapped as (
    select
        *,
        case template
            when 'audio_captioning' then caption
            when 'audio_qa' then answer
            when 'sound_event_classification' then array_to_string(events, ', ')
            when 'acoustic_scene_classification' then scene
            when 'speech_emotion_recognition' then emotion
            when 'speech_sentiment_recognition' then sentiment
            when 'music_analysis'
                then
                    'this is a sound of music in language ' || language || ' and genre ' || genre
                    || coalesce(
                        '. The associated tags are ' || nullif(array_to_string(tags, ', '), ''), ''
                    )
            when 'music_note_analysis'
                then
                    'produced by ' || instrument || ', pitch ' || pitch || ', velocity ' || velocity
                    || case
                        when len(qualities) = 0 then ', no qualities'
                        else ', qualities ' || array_to_string(qualities, ' ')
                    end
            when 'auxiliary' then metadata
        end as raw_output,
        case
            when template = 'audio_qa' then replace(template_input, '{question}', question)
        end as raw_input,
        case template
            when 'audio_qa' then regexp_matches(question, '[^\p{Cc}\p{Cf}\pZ.]')
            when 'music_analysis'
                then
                    regexp_matches(language, '[^\p{Cc}\p{Cf}\pZ.]')
                    and regexp_matches(genre, '[^\p{Cc}\p{Cf}\pZ.]')
            when 'music_note_analysis' then regexp_matches(instrument, '[^\p{Cc}\p{Cf}\pZ.]')
            else true
        end as parts_say_something,
    from listed
),

-- neither blanks nor controls at the ends, no full stop at the end of an output
trimmed as (
    select
        *,
        regexp_replace(
            lower(raw_output), '^[\p{Cc}\pZ]+|[\p{Cc}\pZ.]+$', '', 'g'
        ) as trimmed_output,
        regexp_replace(lower(raw_input), '^[\p{Cc}\pZ]+|[\p{Cc}\pZ]+$', '', 'g') as trimmed_input,
    from mapped
),

-- one space between words: two blanks or more, a control, or a blank that is no space, become one
cleaned as (
    select
        *,
        regexp_replace(
            trimmed_output, '[\p{Cc}\pZ]{2,}|\p{Cc}|[^ \PZ]', ' ', 'g'
        ) as output,
        case template
            when 'audio_qa'
                then regexp_replace(trimmed_input, '[\p{Cc}\pZ]{2,}|\p{Cc}|[^ \PZ]', ' ', 'g')
            else template_input
        end as input,
    from trimmed
),

judged as (
    select
        *,
        case
            when clip_id is null then 'clip_not_available'
            when output is null or input is null then 'row_lacks_fact'
            when not parts_say_something then 'empty_text'
            when not regexp_matches(output, '[^\p{Cc}\p{Cf}\pZ.]') then 'empty_text'
        end as reason,
    from cleaned
),

-- the facts that the template needs and the row does not have
lacking as (
    select
        *,
        case
            when reason = 'row_lacks_fact'
                then
                    list_intersect(
                        needs,
                        [
                            case when caption is null then 'caption' end,
                            case when question is null then 'question' end,
                            case when answer is null then 'answer' end,
                            case when events is null then 'events' end,
                            case when scene is null then 'scene' end,
                            case when emotion is null then 'emotion' end,
                            case when sentiment is null then 'sentiment' end,
                            case when language is null then 'language' end,
                            case when genre is null then 'genre' end,
                            case when instrument is null then 'instrument' end,
                            case when pitch is null then 'pitch' end,
                            case when velocity is null then 'velocity' end,
                            case when qualities is null then 'qualities' end,
                            case when metadata is null then 'metadata' end
                        ]
                    )
        end as absent,
    from judged
)

select
    case
        when reason is null
            then left(
                sha256(concat_ws(
                    chr(31), clip_id, row_id, template, template_version::varchar, input, output
                )),
                32
            )
    end as pair_id,
    clip_id,
    dataset,
    split,
    row_id,
    template,
    template_version,
    input,
    output,
    reason,
    case reason
        when 'clip_not_available' then 'clip ' || clip || ' was rejected or is missing'
        when 'row_lacks_fact'
            then 'template ' || template || ' needs ' || array_to_string(list_sort(absent), ', ')
        when 'empty_text' then 'template ' || template || ': blanks and dots where a text is needed'
    end as detail,
from lacking
order by clip_id, template, row_id
