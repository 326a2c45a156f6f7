"""Every bench runs and gives its numbers, at a hundredth of its size; no time is asserted."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "run.py"
NAMES = sorted(path.stem.removeprefix("bench_") for path in RUN.parent.glob("bench_*.py"))


def run(out: Path, *names: str) -> subprocess.CompletedProcess[str]:
    small = {"PENGI_BENCH_SCALE": "0.001", "PENGI_BENCH_ROUNDS": "1"}
    command = [sys.executable, str(RUN), str(out), *names]
    return subprocess.run(command, env=os.environ | small, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_bench_gives_its_numbers(name: str, tmp_path: Path) -> None:
    done = run(tmp_path / "bench" / "results.json", name)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "bench" / "results.json").read_text())
    assert {"processor", "cores", "python", "duckdb", "scale"} <= written["machine"].keys()
    assert written["results"]
    for line in written["results"]:
        assert line.keys() == {*("name", "unit", "ours", "theirs", "ratio", "target", "met", "how")}
        assert all(math.isfinite(line[key]) and line[key] > 0 for key in ("ours", "theirs"))
        assert line["ratio"] == pytest.approx(line["theirs"] / line["ours"], rel=0.01)
        assert isinstance(line["met"], bool) and line["how"]
        assert line["name"] in done.stdout


def test_a_wrong_name_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    done = run(tmp_path / "results.json", "pears")
    assert done.returncode != 0
    assert "no bench called pears" in done.stderr and "pairs" in done.stderr
    assert not (tmp_path / "results.json").exists()
