"""Clotho's odd names and unknown sounds; what becomes of ClothoAQA's contradictory answers."""

from pathlib import Path

import pytest

from reading import clean, read, write


def test_clotho_files_are_found_whatever_their_odd_characters(tmp_path: Path) -> None:
    captions = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n" + "".join(
        f"{name},a,b,c,d,e\n"
        for name in ("Chris&#39; Elevator.wav", "Breaking Glass .wav", "Car Keys.wav")
    )
    write(tmp_path / "clotho_captions_development.csv", f"{captions}Car_Keys.wav,a,b,c,d,e\n")
    for name in ("Chris__39_ Elevator.wav", "Breaking Glass .wav", "Car_Keys.wav"):
        write(tmp_path / "development" / name)
    found = clean("clotho_v2", tmp_path)
    assert [row.clip for row in found[::5]] == [
        "development/Chris__39_ Elevator.wav",
        "development/Breaking Glass .wav",
        "development/Car Keys.wav",  # missing: the other file is not taken for it
        "development/Car_Keys.wav",
    ]


def test_a_clotho_sound_that_was_not_found_has_no_origin(tmp_path: Path) -> None:
    write(
        tmp_path / "clotho_captions_evaluation.csv",
        "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\na.wav,a,b,c,d,e\n",
    )
    metadata = (
        "file_name,keywords,sound_id,sound_link,start_end_samples,manufacturer,license\n"
        "a.wav,k;l,Not found,Not found,,José,http://creativecommons.org/licenses/by/3.0/\n"
    )
    (tmp_path / "clotho_metadata_evaluation.csv").write_bytes(metadata.encode("latin-1"))
    row = clean("clotho_v2", tmp_path)[0]
    assert (row.origin_ids, row.licence) == ((), "CC-BY-3.0")
    assert row.attribution == "José, Not found"


@pytest.mark.parametrize(
    ("rule", "kept", "reasons"),
    [
        (
            "every",
            ["yes", "no", "yes", "dog", "dog", "cat", "dog", "bird", "yes"],
            ["empty_answer"],
        ),
        (
            "majority",
            ["yes", "dog", "yes"],
            [
                *("outvoted", "same_answer_again", "same_answer_again"),
                *(*["annotators_disagree"] * 3, "empty_answer"),
            ],
        ),
        (
            "unanimous",
            ["dog", "yes"],
            [
                *(*["annotators_disagree"] * 3, "same_answer_again"),
                *(*["annotators_disagree"] * 3, "empty_answer"),
            ],
        ),
    ],
)
def test_every_rule_for_answers(
    rule: str, kept: list[str], reasons: list[str], tmp_path: Path
) -> None:
    lines = [
        *("a.wav,Is it a dog?,yes", "a.wav,Is it a dog?,No", "a.wav,Is it a dog?,Yes"),
        *("a.wav,What is it?,dog", "a.wav,What is it?,dog"),
        *("b.wav,What is it?,cat", "b.wav,What is it?,dog", "b.wav,What is it?,bird"),
        *("b.wav,Is it?, ", "b.wav,Is it?,yes"),
    ]
    text = "file_name,QuestionText,answer\n" + "\n".join(lines) + "\n"
    write(tmp_path / "train" / "clotho_aqa_train.csv", text)
    found = read("clotho_aqa", tmp_path / "train", answers=rule)
    assert ([row.answer for row in found[0]], found[1]) == (kept, reasons)
    write(tmp_path / "test" / "clotho_aqa_test.csv", text)
    asked, blank = read("clotho_aqa", tmp_path / "test", answers=rule)
    assert [row.answer for row in asked] == [
        *("yes", "no", "yes", "dog", "dog", "cat", "dog", "bird", "yes")
    ]
    assert blank == ["empty_answer"]
