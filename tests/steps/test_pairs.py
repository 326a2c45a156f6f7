"""The template mapping against pairs worked by hand from the paper's Table 1 and figures."""

import hashlib
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import publisher
from flows.steps.checks import ReconcileError, check
from flows.steps.pairs import map_rows, templates
from schemas import TEMPLATES, Row
from schemas.tables import PAIRS, REJECTED, ROWS

CLIPS = pa.table({"name": ["a.wav"], "clip_id": ["c" * 32]})


def asked(*names: str) -> pa.Table:
    return templates(publisher.dataset(templates=names))


def mapped(table: pa.Table, *names: str) -> tuple[pa.Table, pa.Table]:
    """(pairs, rejected) of rows under the templates `names`."""
    pieces = list(map_rows(table, CLIPS, asked(*names)))
    pairs = [PAIRS.empty_table(), *(pairs for pairs, _ in pieces)]
    rejected = [REJECTED.empty_table(), *(left for _, left in pieces)]
    return pa.concat_tables(pairs), pa.concat_tables(rejected)


def rows(*found: Row) -> pa.Table:
    lines = [{"dataset": "d", **row.model_dump()} for row in found]
    return pa.Table.from_pylist(lines, schema=ROWS)


def row(**facts: Any) -> Row:
    return Row(**({"row_id": "r", "clip": "a.wav", "split": "train"} | facts))


@pytest.mark.parametrize(
    ("template", "facts", "text_in", "text_out"),
    [
        (
            "audio_captioning",
            {"caption": "The waves of  the ocean crash onto the shore, then recede."},
            "generate audio caption",
            "the waves of the ocean crash onto the shore, then recede",
        ),
        (
            "audio_qa",
            {"question": "Is the engine healthy?", "answer": "Yes"},
            "question: is the engine healthy?",
            "yes",
        ),
        (
            "sound_event_classification",
            {"events": ("Train", "Railway", "Locomotive")},
            "this is a sound of",
            "train, railway, locomotive",
        ),
        ("acoustic_scene_classification", {"scene": "park"}, "this acoustic scene is", "park"),
        ("speech_emotion_recognition", {"emotion": "happy"}, "this emotion is", "happy"),
        (
            "speech_sentiment_recognition",
            {"sentiment": "positive"},
            "this sentiment is",
            "positive",
        ),
        (
            "music_analysis",
            {"language": "english", "genre": "hip-hop", "tags": ("glitch", "idm", "dustep")},
            "music analysis",
            # Figure 4
            "this is a sound of music in language english and genre hip-hop. "
            "the associated tags are glitch, idm, dustep",
        ),
        (
            "music_note_analysis",
            {"instrument": "guitar", "pitch": 64, "velocity": 75, "qualities": ("dark", "reverb")},
            "this music note is",
            "produced by guitar, pitch 64, velocity 75, qualities dark reverb",
        ),
        (
            "music_note_analysis",
            {"instrument": "organ", "pitch": 9, "velocity": 127, "qualities": ()},
            "this music note is",
            "produced by organ, pitch 9, velocity 127, no qualities",
        ),
        (
            "auxiliary",
            {"metadata": "A bird is chirping"},
            "generate metadata",
            "a bird is chirping",
        ),
    ],
)
def test_table_1(template: str, facts: dict[str, Any], text_in: str, text_out: str) -> None:
    pairs, rejected = mapped(rows(row(**facts)), template)
    assert rejected.num_rows == 0
    (pair,) = pairs.to_pylist()
    assert (pair["input"], pair["output"]) == (text_in, text_out)
    assert (pair["clip_id"], pair["template"], pair["split"]) == ("c" * 32, template, "train")


def test_the_pair_id_is_the_hash_an_auditor_can_work_out() -> None:
    pairs, _ = mapped(rows(row(emotion="happy")), "speech_emotion_recognition")
    text = "\x1f".join(
        ("c" * 32, "r", "speech_emotion_recognition", "1", "this emotion is", "happy")
    )
    assert pairs["pair_id"].to_pylist() == [hashlib.sha256(text.encode()).hexdigest()[:32]]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_row_without_its_facts_is_rejected_with_what_it_lacks(template: str) -> None:
    pairs, rejected = mapped(rows(row()), template)
    assert pairs.num_rows == 0
    (left,) = rejected.to_pylist()
    assert (left["reason"], left["subject"], left["kind"]) == ("row_lacks_fact", "r", "row")
    for fact in TEMPLATES[template].needs:
        assert fact in left["detail"]


@pytest.mark.parametrize("missing", ["instrument", "pitch", "velocity", "qualities"])
def test_a_note_needs_all_four_facts(missing: str) -> None:
    facts = {"instrument": "guitar", "pitch": 64, "velocity": 75, "qualities": ()}
    del facts[missing]
    pairs, rejected = mapped(rows(row(**facts)), "music_note_analysis")
    assert (pairs.num_rows, rejected["reason"].to_pylist()) == (0, ["row_lacks_fact"])


def test_a_row_of_a_missing_clip_is_rejected() -> None:
    table = rows(row(emotion="happy", clip="gone.wav"))
    pairs, rejected = mapped(table, "speech_emotion_recognition")
    assert pairs.num_rows == 0
    assert rejected["reason"].to_pylist() == ["clip_not_available"]
    assert "gone.wav" in rejected["detail"].to_pylist()[0]


def test_every_kind_of_blank_is_one_space() -> None:
    table = rows(row(caption="a\u00a0dog\x85barks \u2003 at\tnight\n"))
    pairs, _ = mapped(table, "audio_captioning")
    assert pairs["output"].to_pylist() == ["a dog barks at night"]


@pytest.mark.parametrize("caption", [" ... ", "\x85", "\u00a0", ""])
def test_blanks_and_dots_are_no_text(caption: str) -> None:
    pairs, rejected = mapped(rows(row(caption=caption)), "audio_captioning")
    assert (pairs.num_rows, rejected["reason"].to_pylist()) == (0, ["empty_text"])


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.none() | st.text(max_size=20), st.sampled_from(["a.wav", "b.wav"])),
        max_size=12,
    )
)
def test_every_row_becomes_a_pair_or_a_rejection(found: list[tuple[str | None, str]]) -> None:
    table = rows(
        *(row(row_id=str(n), caption=text, clip=clip) for n, (text, clip) in enumerate(found))
    )
    pairs, rejected = mapped(table, "audio_captioning")
    assert pairs.num_rows + rejected.num_rows == len(found)
    assert len(set(pairs["pair_id"].to_pylist())) == pairs.num_rows
    for text in pairs["output"].to_pylist():
        assert text and text == text.strip() and "\n" not in text and "\x1f" not in text


def test_a_lost_row_fails_the_reconciliation() -> None:
    table = rows(row(emotion="happy"), row(row_id="s", emotion="sad"))
    pairs, rejected = mapped(table, "speech_emotion_recognition")
    tables = {"row_table": table, "template_table": asked("speech_emotion_recognition")}
    check("pairs_reconcile", **tables, pair_table=pairs, rejected_table=rejected)
    with pytest.raises(ReconcileError, match="asked 2, pairs 1, rejected 0"):
        check("pairs_reconcile", **tables, pair_table=pairs.slice(1), rejected_table=rejected)
    with pytest.raises(ReconcileError, match="n 2"):
        check("pairs_unique", pair_table=pa.concat_tables([pairs, pairs.slice(1)]))


def test_tables_keep_their_schemas() -> None:
    pairs, rejected = mapped(rows(row(), row(row_id="s", emotion="sad")))
    assert (pairs.schema, rejected.schema) == (PAIRS, REJECTED)
