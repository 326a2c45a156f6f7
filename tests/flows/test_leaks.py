"""Leaks: the report, and releases that leave out what a benchmark holds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import datasets
from flows.steps.lake import Lake
from flows.steps.leakage import find, leaks, strict, summary
from flows.steps.release import Ingested, make_release, training_pairs, verify
from noises import Line, bring
from schemas.tables import HELD_OUT, TRAINING_CLIPS

FIELD: list[Line] = [
    ("same origin.wav", "train", "freesound:1", 1),
    ("same origin.wav", "train", "freesound:2", 1),  # a clip with two rows, of two origins
    ("same file.wav", "train", "", 2),
    ("same samples.flac", "train", "", 3),
    ("only validated.wav", "train", "youtube:abc", 4),
    ("clean.wav", "train", "freesound:11", 5),
    ("own test.wav", "test", "freesound:11", 6),
]
ROOM: list[Line] = [
    ("a.wav", "test", "freesound:2", 11),
    ("b.wav", "test", "", 2),
    ("c.wav", "test", "", 3),
    ("gone.wav", "test", "freesound:404 freesound:2", 0),
    ("d.wav", "val", "youtube:abc", 14),
    ("e.wav", "train", "freesound:1", 15),
]


@pytest.fixture
def two(lake: Lake, tmp_path: Path) -> tuple[list[Ingested], list[Any]]:
    """Two ingested datasets that share sounds, and their benchmarks."""
    stops = [
        bring(lake, tmp_path / "f", "field", FIELD),
        bring(lake, tmp_path / "r", "room", ROOM),
    ]
    files = [datasets.load(str(tmp_path / p)) for p in ("f/field.py", "r/room.py")]
    return stops, [benchmark for file in files for benchmark in file.benchmarks]


TRAIN = {"field": ("train",), "room": ("train",)}
ALL = {  # (dataset, clip, benchmark) -> kinds
    ("field", "same origin.wav", "room_cap"): ["origin"],
    ("field", "same file.wav", "room_cap"): ["file", "samples"],
    ("field", "same samples.flac", "room_cap"): ["samples"],
    ("field", "only validated.wav", "room_cap"): ["origin"],
    ("field", "clean.wav", "field_cap"): ["origin"],
}


def test_every_likeness_is_found(lake: Lake, two: tuple[list[Ingested], list[Any]]) -> None:
    found = find(lake, two[0], TRAIN, two[1])
    lines = {(x["dataset"], x["clip"], x["benchmark"]): x for x in found.to_pylist()}
    assert {key: line["kinds"] for key, line in lines.items()} == ALL
    twice = lines["field", "same origin.wav", "room_cap"]
    assert (twice["pairs"], twice["example"]) == (2, "origin freesound:2")
    assert (twice["held_out_clip"], twice["held_out_clips"]) == ("a.wav", 2)
    assert summary(found)[1] == {
        **{"dataset": "field", "benchmark": "room_cap", "clips": 4, "pairs": 5},
        **{"origin": 2, "file": 1, "samples": 2},
    }


def test_strict_leaves_them_out_with_reasons(
    lake: Lake, two: tuple[list[Ingested], list[Any]]
) -> None:
    plain = make_release(lake, two[0], TRAIN, {})
    filtered = make_release(
        lake, strict(lake, *two[:1], TRAIN, two[1]), TRAIN, {}, leakage="strict"
    )
    assert (plain.pairs, filtered.pairs, filtered.leakage) == (7, 1, "strict")
    assert filtered.release_id != plain.release_id
    (pair,) = training_pairs(lake, filtered.parts).to_pylist()
    assert pair["dataset"] == "room"
    field = next(part for part in filtered.parts if part.dataset == "field")
    rejected = pq.read_table(lake.rejected("field", "pairs", Path(field.pairs.path).stem))
    reasons = {x["subject"]: x["detail"] for x in rejected.to_pylist() if x["stop"] == "leakage"}
    assert len(reasons) == 5
    assert reasons["clean.wav"] == "also in field_cap (origin freesound:11)"
    assert verify(lake, plain.release_id) == verify(lake, filtered.release_id) == []
    again = strict(lake, two[0], TRAIN, two[1])
    assert make_release(lake, again, TRAIN, {}, leakage="strict").release_id == filtered.release_id


def test_the_command_reports(
    lake: Lake, two: tuple[list[Ingested], list[Any]], pengi: Callable[..., Any], tmp_path: Path
) -> None:
    make_release(lake, two[0], TRAIN, {})
    said = json.loads(pengi("leaks", "--lake", lake.root, "--json").out)
    assert (said["leakage"], said["compared"], said["summary"]) == ("paper", [], [])
    own = [str(tmp_path / "r/room.py"), str(tmp_path / "f/field.py")]
    where = ("--lake", lake.root, *(part for path in own for part in ("--benchmarks", path)))
    said = json.loads(pengi("leaks", "--json", *where).out)
    assert said["compared"] == ["field_cap", "room_cap"]
    assert len(said["clips"]) == 5
    shown = pengi("leaks", "--clips", *where).out
    assert "4 clips, 5 pairs (by origin 2, by file 1, by samples 2)" in shown
    assert "field same samples.flac: room_cap, samples " in shown


@given(st.data())
def test_it_is_the_join_of_the_marks(data: st.DataObject) -> None:
    marks = st.sets(st.sampled_from(["freesound:1", "freesound:2", "youtube:x"]))
    digest = st.sampled_from(["p", "q", None])

    def drawn(side: str) -> list[dict[str, Any]]:
        return [
            {
                "dataset": "d",
                "clip_id": f"{side}{i}",
                "clip": f"{side}{i}",
                "pairs": 1,
                "benchmark": "b",
                "origin_ids": sorted(data.draw(marks)),
                "source_sha256": data.draw(digest),
                "sample_sha256": data.draw(digest),
            }
            for i in range(data.draw(st.integers(0, 4)))
        ]

    ours, theirs = drawn("t"), drawn("h")
    found = leaks(
        [
            pa.Table.from_pylist(
                [{k: x[k] for k in TRAINING_CLIPS.names} for x in ours], TRAINING_CLIPS
            )
        ],
        [pa.Table.from_pylist([{k: x[k] for k in HELD_OUT.names} for x in theirs], HELD_OUT)],
    )
    expected: dict[str, set[str]] = {}
    for a in ours:
        for b in theirs:
            if set(a["origin_ids"]) & set(b["origin_ids"]):
                expected.setdefault(a["clip_id"], set()).add("origin")
            for kind, key in (("file", "source_sha256"), ("samples", "sample_sha256")):
                if a[key] is not None and a[key] == b[key]:
                    expected.setdefault(a["clip_id"], set()).add(kind)
    assert {x["clip_id"]: set(x["kinds"]) for x in found.to_pylist()} == expected
