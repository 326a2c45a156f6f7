"""Real recordings in their publishers' layouts, from the command line to pairs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import soundfile


@pytest.mark.parametrize(
    ("name", "folder", "clips", "pairs", "missing"),
    [
        ("esc50", "ESC-50", 90, 90, 0),
        ("esc10", "ESC-10", 240, 240, 0),
        ("urbansound8k", "UrbanSound8K", 5, 5, 7074),  # five slices of the table's 7079
        ("clotho_v2", "Clotho", 5, 25, 4884),  # five recordings, five captions each
    ],
)
def test_real_recordings_become_pairs(
    name: str,
    folder: str,
    clips: int,
    pairs: int,
    missing: int,
    pengi: Callable[..., Any],
    shared_data: Path,
    tmp_path: Path,
) -> None:
    copy = shared_data / folder
    said = pengi("ingest", name, "--raw", copy, "--lake", tmp_path / "lake", "--json")
    found = json.loads(said.out)
    assert (found["clips"], found["pairs"]) == (clips, pairs)
    assert found["rejected"]["audio"] == missing
    (table,) = (tmp_path / "lake" / "audio" / name).rglob("clips.parquet")
    for clip in pq.read_table(table).to_pylist():
        real = soundfile.info(copy / clip["name"])
        assert clip["source_rate"] == real.samplerate
        assert clip["source_channels"] == real.channels
        assert abs(clip["seconds"] - real.frames / real.samplerate) < 1e-4
        assert clip["licence"]


def test_the_mini_world_does_not_read_a_real_copy(
    pengi: Callable[..., Any], shared_data: Path, tmp_path: Path
) -> None:
    where = ("--lake", tmp_path / "lake", "--json")
    real = json.loads(pengi("ingest", "esc50", "--raw", shared_data / "ESC-50", *where).out)
    assert json.loads(pengi("ingest", "esc50", *where).out) == real  # the copy is remembered
    assert json.loads(pengi("ingest", "esc50", "--mini", *where).out)["clips"] == 100
