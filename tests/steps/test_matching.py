"""Free text to predictions, with literal answers."""

import pytest

import scored_lake as s
from flows.steps.matching import ScoreError, Space, cleaned, majority, named, note, parts, spoken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Dog bark. ", "dog bark"),
        ("a  dog\nbarks", "a dog barks"),
        ("siren <|endoftext|> rain", "siren"),
        ("<|endoftext|>", ""),
        ("tempo-synced", "tempo-synced"),
        (" ...", ""),
    ],
)
def test_cleaned(text: str, expected: str) -> None:
    assert cleaned(text) == expected


def test_parts() -> None:
    assert parts("Dog, Bark,, rain .<|endoftext|>, x") == ["dog", "bark", "rain"]
    assert parts("") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "produced by synth lead, pitch 64, velocity 75, qualities dark fast_decay",
            {
                "instrument": "synth lead",
                "pitch": "64",
                "velocity": "75",
                "qualities": "dark fast_decay",
            },
        ),
        (
            "produced by bass, pitch 9, velocity 127, no qualities",
            {"instrument": "bass", "pitch": "9", "velocity": "127"},
        ),
        ("pitch 60", {"pitch": "60"}),
        ("a guitar", {}),
        ("", {}),
    ],
)
def test_note(text: str, expected: dict[str, str]) -> None:
    assert note(text) == expected


def test_named_wants_whole_words() -> None:
    assert named("darkness long release", ["dark", "long release", "release"]) == [
        False,
        True,
        True,
    ]
    assert named("tempo-synced", ["tempo-synced", "bright"]) == [True, False]


def test_spoken_and_majority() -> None:
    assert spoken("Yes, it is!") == "yes it is"
    assert majority(["yes", "no", "yes"]) == "yes"
    assert majority(["yes", "no"]) is None


def test_space_names_the_text_that_has_no_vector() -> None:
    space = Space.read(s.texts({"dog": [2.0, 0.0], "cat": [0.0, 3.0]}), "pengi")
    assert space is not None
    assert space.cosines(["dog", ""], ["dog", "cat"]).tolist() == [[1.0, 0.0], [-1.0, -1.0]]
    with pytest.raises(ScoreError, match="'wolf'"):
        space.cosines(["wolf"], ["dog"])
    assert Space.read(s.texts({}), "clip") is None
