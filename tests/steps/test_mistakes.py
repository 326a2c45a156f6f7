"""Every kind of wrong answer, by examples; the kinds and the accuracy make one."""

import numpy as np
import pytest

from flows.steps.mistakes import KINDS, counted, kind

LABELS = ["dog", "dog bark", "church bells", "rain", "car horn"]


@pytest.mark.parametrize(
    ("said", "truth", "expected"),
    [
        ("", "rain", "empty"),
        ("a dog in the rain", "rain", "matching"),  # the truth was said, another label was nearer
        ("rain, car horn", "dog", "several"),
        ("dog bark", "rain", "label"),  # "dog" within "dog bark" is no event of its own
        ("rain", "dog", "label"),
        ("a bell rings", "church bells", "related"),
        ("someone barks the hotdog", "rain", "other"),
        ("the sound of a train", "rain", "other"),
    ],
)
def test_kind(said: str, truth: str, expected: str) -> None:
    assert kind(said, truth, LABELS) == expected


def test_every_wrong_answer_is_of_one_kind() -> None:
    said = ["", "dog", "rain", "a bell", "thunder"]
    hits = np.asarray([False, True, False, False, False])
    found = counted(said, [3, 0, 0, 2, 3], LABELS, hits)
    assert tuple(found) == KINDS
    assert (np.stack(list(found.values())).sum(axis=0) == ~hits).all()
    assert [name for name, each in found.items() if each.any()] == [
        "empty",
        "label",
        "related",
        "other",
    ]
