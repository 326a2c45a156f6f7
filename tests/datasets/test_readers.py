"""Readers against the publishers' real metadata, and against unpacked copies."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from flows import datasets
from flows.steps.archives import RawTree, Source
from schemas import Malformed, Row
from small_copy import SmallCopy


def _read(name: str, folder: Path) -> list[Row | Malformed]:
    file = datasets.load(name)
    raw = RawTree([Source(folder.name, folder, "")], choices=file.dataset.choices)
    return list(file.rows(raw))


def _rows(name: str, folder: Path) -> list[Row]:
    lines = _read(name, folder)
    assert not [line for line in lines if isinstance(line, Malformed)]
    return [line for line in lines if isinstance(line, Row)]


def test_clotho_has_five_captions_a_file(shared_data: Path) -> None:
    rows = _rows("clotho_v2", shared_data / "Clotho")
    captions = Counter(row.split for row in rows)
    assert captions == {"development": 3839 * 5, "validation": 1045 * 5, "evaluation": 25}
    assert set(Counter(row.clip for row in rows).values()) == {5}
    motor = next(row for row in rows if row.clip == "evaluation/Santa Motor.wav")
    assert motor.caption == "A machine whines and squeals while rhythmically punching or stamping."
    assert motor.licence == "CC0-1.0"
    assert motor.attribution == "Zermonth, https://freesound.org/people/Zermonth/sounds/116638"
    assert motor.origin_ids == ("freesound:116638",)
    assert motor.row_id == "clotho_captions_evaluation_5clips.csv:2:caption_1"


def test_fsd50k_labels_are_words(shared_data: Path) -> None:
    rows = _rows("fsd50k", shared_data / "FSD50K")
    assert Counter(row.split for row in rows) == {"train": 8, "val": 4}
    guitar = rows[0]
    assert guitar.clip == "FSD50K.dev_audio/64760.wav"
    assert guitar.events == (
        *("Electric guitar", "Guitar", "Plucked string instrument", "Musical instrument"),
        "Music",
    )
    assert guitar.licence == "LicenseRef-CC-Sampling-Plus-1.0"
    assert guitar.origin_ids == ("freesound:64760",)


def test_fsd50k_has_the_published_vocabulary(shared_data: Path) -> None:
    table = (shared_data / "FSD50K" / "class_labels_indices.csv").read_text().splitlines()[1:]
    labels = {line.split(",", 2)[2].strip('"').replace("_", " ") for line in table}
    (benchmark,) = datasets.load("fsd50k").benchmarks
    assert set(benchmark.labels) == labels and len(labels) == 200


def test_esc10_folds_and_classes(shared_data: Path) -> None:
    rows = _rows("esc10", shared_data / "ESC-10")
    assert Counter(row.split for row in rows) == {"fold1": 80, "fold2": 80, "fold3": 80}
    assert set(Counter(row.events for row in rows).values()) == {24}
    assert {label for row in rows for label in row.events or ()} == set(
        datasets.load("esc10").benchmarks[0].labels
    )
    dog = next(row for row in rows if row.row_id == "001 - Dog bark/1-100032-A.ogg")
    assert (dog.licence, dog.origin_ids) == ("CC0-1.0", ("freesound:100032",))
    assert dog.attribution and dog.attribution.startswith("rose_bark.wav (http")


def test_esc50_lists_the_files_that_are_there(shared_data: Path) -> None:
    folder = shared_data / "ESC-50"
    rows = _rows("esc50", folder)
    assert sorted(row.clip for row in rows) == sorted(
        f"audio/{p.name}" for p in (folder / "audio").iterdir()
    )
    assert Counter(row.split for row in rows) == {"fold4": 80, "fold2": 9, "fold3": 1}
    assert all(row.licence and row.origin_ids for row in rows)


def test_nsynth_entries_become_notes(shared_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "nsynth-test"
    folder.mkdir()
    (folder / "examples.json").write_bytes(
        (shared_data / "NSynth" / "examples_excerpt.json").read_bytes()
    )
    notes = {row.row_id: row for row in _rows("nsynth", tmp_path)}
    bass = notes["test:bass_synthetic_068-049-025"]
    assert (bass.instrument, bass.pitch, bass.velocity) == ("bass", 49, 25)
    assert bass.qualities == ("dark",)
    assert bass.clip == "nsynth-test/audio/bass_synthetic_068-049-025.wav"
    assert notes["test:keyboard_electronic_001-021-127"].qualities == ()


@pytest.mark.parametrize(
    ("name", "file", "text", "reasons"),
    [
        (
            "clotho_v2",
            "clotho_captions_evaluation.csv",
            "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\na.wav,A,,C,D,E\n",
            ["empty_caption"],
        ),
        (
            "clotho_aqa",
            "clotho_aqa_test.csv",
            "file_name,QuestionText,answer,confidence\na.wav,,yes,yes\na.wav,Is it?,,no\n",
            ["empty_question", "empty_answer"],
        ),
        (
            "fsd50k",
            "FSD50K.ground_truth/dev.csv",
            "fname,labels,mids,split\n1,Rain,/m/06mb1,training\n2,Rane,x,train\n3,,,val\n",
            ["unknown_split", "unknown_class", "no_label"],
        ),
        (
            "nsynth",
            "nsynth-valid/examples.json",
            '{"a": {"pitch": 60}, "b": {"instrument_family_str": "bass", "pitch": 128, '
            '"velocity": 50, "qualities_str": []}}',
            ["missing_field", "field_out_of_range"],
        ),
        (
            "meld",
            "dev_sent_emo.csv",
            "Sr No.,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n1,bored,neutral,0,0\n2,joy,,0,1\n",
            ["unknown_emotion", "unknown_sentiment"],
        ),
        (
            "esc50",
            "meta/esc50.csv",
            "filename,fold,target,category,esc10,src_file,take\n"
            "1-1-A-0.wav,1,0,hound,True,1,A\n6-1-A-0.wav,6,0,dog,True,1,A\n",
            ["unknown_class", "unknown_fold"],
        ),
        ("esc10", "011 - Hound/1-1-A.ogg", "", ["unknown_class"]),
        ("esc10", "001 - Dog bark/6-1-A.ogg", "", ["unexpected_file_name"]),
    ],
)
def test_bad_lines_are_kept_with_a_reason(
    name: str, file: str, text: str, reasons: list[str], tmp_path: Path
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    lines = _read(name, tmp_path)
    assert [line.reason for line in lines if isinstance(line, Malformed)] == reasons


def test_questions_in_latin_1_and_in_utf_8(tmp_path: Path) -> None:
    for encoding in ("latin-1", "utf-8"):
        line = "file_name,QuestionText,answer,confidence\ncafé.wav,Is it a café?,Yes,yes\n"
        (tmp_path / "clotho_aqa_test.csv").write_bytes(line.encode(encoding))
        (row,) = _rows("clotho_aqa", tmp_path)
        assert (row.clip, row.question, row.answer) == (
            "audio_files/café.wav",
            "Is it a café?",
            "yes",
        )


@pytest.mark.parametrize(
    "name",
    [
        *("esc50", "esc10", "nsynth", "msp_podcast", "cmu_mosi", "cmu_mosei"),
        *("ravdess", "vocalsound"),
    ],
)
def test_an_unpacked_copy_gives_the_same_rows(
    name: str, mini: Callable[[str], SmallCopy], tmp_path: Path
) -> None:
    copy = mini(name)
    for member in copy.raw.stream(copy.raw.names()):
        path = tmp_path / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(member.data)
    lines = _read(name, tmp_path)
    assert [line for line in lines if isinstance(line, Row)] == copy.rows
    assert [line for line in lines if isinstance(line, Malformed)] == copy.malformed
