"""CONTRIBUTING's "Add a dataset", done as it says: one file, one command, nothing else changes."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flows.steps.lake import Lake

NAME = "free_spoken_digits"
FILE = Path(__file__).parents[1] / "datasets" / f"{NAME}.py"

Command = Callable[..., Any]


@pytest.fixture
def lake_with_another(pengi: Command, tmp_path: Path) -> Path:
    """A lake that has a dataset already."""
    root = tmp_path / "lake"
    assert pengi("ingest", "sesa", "--mini", "--lake", root).code == 0
    return root


def contents(root: Path) -> dict[Path, tuple[int, str]]:
    """When each file of a lake was written and the sha256 of what is in it."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return {p: (p.stat().st_mtime_ns, sha256(p.read_bytes()).hexdigest()) for p in files}


def test_the_file_is_short() -> None:
    assert len(FILE.read_text().splitlines()) <= 40


def test_one_command_brings_its_pairs_and_touches_nothing_else(
    pengi: Command, lake_with_another: Path, shared_data: Path
) -> None:
    before = contents(lake_with_another)
    copy = shared_data / "free-spoken-digit-dataset"
    answer = pengi("ingest", FILE, "--raw", copy, "--lake", lake_with_another, "--json")
    assert answer.code == 0, answer.err
    said = json.loads(answer.out)
    assert (said["dataset"], said["clips"], said["pairs"]) == (NAME, 400, 400)
    assert said["rejected"] == {"rows": 0, "audio": 0, "pairs": 0}

    after = contents(lake_with_another)
    assert {path: after[path] for path in before} == before
    new = [path.relative_to(lake_with_another) for path in after.keys() - before.keys()]
    assert {path.parts[1] for path in new} == {NAME}
    assert {path.parts[0] for path in new} >= {"raw", "rows", "audio", "pairs"}


def test_every_recording_says_its_digit(pengi: Command, shared_data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    recordings = shared_data / "free-spoken-digit-dataset" / "recordings"
    for name in ("7_jackson_3", "7_jackson_7", "0_george_9"):
        (copy / f"{name}.wav").symlink_to(recordings / f"{name}.wav")
    # one with another name, which is no row and so a clip that no row names; one without a sound
    (copy / "jackson says 8.wav").symlink_to(recordings / "8_jackson_0.wav")
    (copy / "9_lucas_0.wav").write_bytes(b"")
    answer = pengi("ingest", FILE, "--raw", copy, "--lake", tmp_path / "lake", "--json")
    assert json.loads(answer.out)["rejected"] == {"rows": 1, "audio": 2, "pairs": 1}
    (pairs,) = (tmp_path / "lake" / "pairs" / NAME).glob("*.parquet")
    found = {line["row_id"]: line for line in pq.read_table(pairs).to_pylist()}
    assert {row: (line["split"], line["input"], line["output"]) for row, line in found.items()} == {
        "7_jackson_3": ("test", "generate metadata", "the spoken digit seven"),
        "7_jackson_7": ("train", "generate metadata", "the spoken digit seven"),
        "0_george_9": ("train", "generate metadata", "the spoken digit zero"),
    }
    lake = Lake.open(tmp_path / "lake")
    (clips,) = (lake.root / "audio" / NAME).rglob("clips.parquet")
    table = pq.read_table(clips)
    assert pc.unique(table["licence"]).to_pylist() == ["CC-BY-SA-4.0"]
    assert pc.unique(table["source_rate"]).to_pylist() == [8000]


def test_the_next_release_differs_by_that_dataset_alone(
    pengi: Command, shared_data: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (shared_data / "free-spoken-digit-dataset" / "recordings").glob("0_*.wav"):
        (copy / path.name).symlink_to(path)
    where = ("--profile", "mini", "--lake", tmp_path / "lake", "--json")
    old = json.loads(pengi("release", "make", "--datasets", "esc10", *where).out)
    both = ("--datasets", f"esc10,{FILE}", "--raw", f"{NAME}={copy}")
    new = json.loads(pengi("release", "make", *both, *where).out)
    assert new["pairs"] > old["pairs"] and new["parts"][0] == old["parts"][0]
    ids = (old["release_id"], new["release_id"])
    found = json.loads(pengi("release", "diff", *ids, *where[2:]).out)
    (change,) = found["changes"]
    assert (found["lost"], change["change"], change["dataset"]) == (0, "added", NAME)
    assert (change["reason"], change["template"]) == ("dataset", "auxiliary")
    assert change["pairs"] == new["pairs"] - old["pairs"]
