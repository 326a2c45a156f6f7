"""The audio-task templates of the paper's Table 1: a fixed input prompt and an output form.

Table 1 prints nine lines for "8 templates" (emotion and sentiment are two lines). The output text
is built in `sql/build/pairs.sql`; `output` here states the form, and `needs` names the facts of a
row without which the row is rejected. Raise `version` whenever the text of a pair would change.
"""

from pydantic import BaseModel, ConfigDict


class Template(BaseModel):
    """One line of Table 1: `input` is the literal prompt, `output` the form of the answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    input: str
    output: str
    needs: tuple[str, ...]
    version: int = 1


_TABLE_1 = (
    Template(
        name="audio_captioning",
        input="generate audio caption",
        output="{caption}",
        needs=("caption",),
    ),
    Template(
        name="audio_qa",
        input="question: {question}",
        output="{answer}",
        needs=("question", "answer"),
    ),
    Template(
        name="sound_event_classification",
        input="this is a sound of",
        output="{event a}, {event b}, ..",
        needs=("events",),
    ),
    Template(
        name="acoustic_scene_classification",
        input="this acoustic scene is",
        output="{scene}",
        needs=("scene",),
    ),
    Template(
        name="speech_emotion_recognition",
        input="this emotion is",
        output="{emotion}",
        needs=("emotion",),
    ),
    Template(
        name="speech_sentiment_recognition",
        input="this sentiment is",
        output="{sentiment}",
        needs=("sentiment",),
    ),
    Template(
        # The table's cell ends after {genre}; Figure 4 shows the sentence about tags.
        name="music_analysis",
        input="music analysis",
        output="this is a sound of music in language {language} and genre {genre}. "
        "The associated tags are {tag a}, {tag b}, ..",
        needs=("language", "genre"),
    ),
    Template(
        # The table's cell ends after {pitch}; velocity and qualities are ours, since Table 11
        # scores both with this prompt.
        name="music_note_analysis",
        input="this music note is",
        output="produced by {instrument}, pitch {pitch}, velocity {velocity}, "
        "qualities {quality a} {quality b} .. (or: no qualities)",
        needs=("instrument", "pitch", "velocity", "qualities"),
    ),
    Template(
        name="auxiliary",
        input="generate metadata",
        output="{metadata}",
        needs=("metadata",),
    ),
)

TEMPLATES: dict[str, Template] = {template.name: template for template in _TABLE_1}
