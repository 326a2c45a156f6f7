"""What two releases do not share, and why, from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import datasets
from flows.steps.lake import Lake
from flows.steps.leakage import strict
from flows.steps.release import Ingested, make_release
from noises import Line, bring

Command = Callable[..., Any]

STREET: list[Line] = [
    ("same.wav", "train", "", 1),
    ("reworded.wav", "train", "", 2),
    ("rerecorded.wav", "train", "", 3),
    ("two rows.wav", "train", "a", 4),
    ("two rows.wav", "train", "b", 4),
    ("lost.wav", "train", "", 5),
    ("moved.wav", "val", "", 6),
    ("tested.wav", "test", "freesound:9", 7),
]
LATER: list[Line] = [
    *(STREET[0], STREET[1], ("rerecorded.wav", "train", "", 33), STREET[3]),
    *(STREET[6], STREET[7], ("new.wav", "train", "", 8), ("leaks.wav", "train", "freesound:9", 9)),
]


def changes(found: dict[str, Any]) -> dict[tuple[str, str, str], int]:
    return {(x["change"], x["dataset"], x["reason"]): x["pairs"] for x in found["changes"]}


@pytest.fixture
def brought(lake: Lake, tmp_path: Path) -> tuple[Ingested, Ingested, Ingested]:
    """(street, the same dataset later on, another dataset)."""
    street = bring(lake, tmp_path / "1", "street", STREET)
    later = bring(lake, tmp_path / "2", "street", LATER, {"reworded.wav": "a new text"})
    return street, later, bring(lake, tmp_path / "3", "park", [("bird.wav", "train", "", 20)])


def test_every_reason(
    lake: Lake, brought: tuple[Ingested, Ingested, Ingested], pengi: Command
) -> None:
    street, later, park = brought
    train = {"street": ("train",), "park": ("train",)}
    old = make_release(lake, [street, park], train, {})
    new = make_release(lake, [later], {"street": ("train", "val")}, {})
    where = ("--lake", lake.root, "--json")
    found = json.loads(pengi("release", "diff", old.release_id, "HEAD", *where).out)
    assert (found["old"], found["new"]) == (old.release_id, new.release_id)
    assert changes(found) == {
        ("lost", "park", "dataset"): 1,
        ("lost", "street", "changed"): 2,  # another text, another recording
        ("lost", "street", "row"): 1,
        ("lost", "street", "clip"): 1,
        ("added", "street", "changed"): 2,
        ("added", "street", "split"): 1,
        ("added", "street", "clip"): 2,
    }
    assert (found["lost"], found["added"]) == (5, 5)
    named = json.loads(pengi("release", "diff", old.release_id, "HEAD", "--limit", 1, *where).out)
    assert [pair["change"] for pair in named["pairs"]] == ["added", "lost"]
    assert named["pairs"][1]["dataset"] == "park"
    back = json.loads(pengi("release", "diff", "HEAD", old.release_id, *where).out)
    assert (back["lost"], back["added"]) == (5, 5)
    assert "street" in pengi("release", "diff", old.release_id, "HEAD", *where[:2]).out


def test_what_a_benchmark_holds_out_says_so(
    lake: Lake, brought: tuple[Ingested, Ingested, Ingested], pengi: Command, tmp_path: Path
) -> None:
    later, train = brought[1], {"street": ("train",)}
    plain = make_release(lake, [later], train, {})
    benchmarks = datasets.load(str(tmp_path / "2" / "street.py")).benchmarks
    filtered = strict(lake, [later], train, benchmarks)
    clean = make_release(lake, filtered, train, {}, leakage="strict")
    ids = (plain.release_id, clean.release_id)
    found = json.loads(pengi("release", "diff", *ids, "--lake", lake.root, "--json").out)
    assert changes(found) == {("lost", "street", "held_out"): 1}


def test_unknown_releases_are_refused(lake: Lake, pengi: Command) -> None:
    said = pengi("release", "diff", "HEAD", "0123456789abcdef", "--lake", lake.root)
    assert said.code == 2 and "release HEAD: none" in said.err
