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
    from rows
    cross join templates
    left join clips on rows.clip = clips.name
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
        case template
            when 'audio_qa' then replace(template_input, '{question}', question)
            else template_input
        end as raw_input,
    from asked
),

-- lower case, one space between words, no control characters, no full stop at the end
cleaned as (
    select
        *,
        rtrim(trim(regexp_replace(lower(raw_output), '[\s\p{Cc}\pZ]+', ' ', 'g')), '. ') as output,
        trim(regexp_replace(lower(raw_input), '[\s\p{Cc}\pZ]+', ' ', 'g')) as input,
    from mapped
),

judged as (
    select
        *,
        case
            when clip_id is null then 'clip_not_available'
            when output is null or input is null then 'row_lacks_fact'
            when output = '' then 'empty_text'
        end as reason,
    from cleaned
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
    clip,
from judged
order by clip_id, template, row_id
