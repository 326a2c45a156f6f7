"""Whether normalising a hundred times more clips takes more memory: peak of parent and workers.

PENGI_BENCH_CLIPS_MANY (100,000 unless told) against a hundredth of them.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from contest import Result, scaled
from flows.steps.archives import RawTree, Source
from flows.steps.audio import make_audio
from flows.steps.lake import Lake
from flows.steps.wanted import read_rows
from schemas.tables import ROWS

MANY = int(os.environ.get("PENGI_BENCH_CLIPS_MANY", scaled(100_000)))
FEW = max(1, MANY // 100)
MOST = 1.10  # times the memory of FEW


def zipped(path: Path, count: int) -> None:
    """A zip of `count` WAV files of 50 ms, no two alike."""
    noise = np.random.default_rng(0).integers(-9000, 9000, 2205, "<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 44_100, 0, "NONE", ""))
        out.writeframes(noise.tobytes())
    with zipfile.ZipFile(path, "w") as members:
        for number in range(count):
            members.writestr(name(number), file.getvalue()[:-4] + number.to_bytes(4, "little"))


def name(number: int) -> str:
    return f"made/audio/clip-{number:07d}.wav"


def rows(path: Path, count: int) -> None:
    """ROWS of `count` clips, as a reader would have left them."""
    lines = [
        {"dataset": "d", "row_id": f"list.csv:{n}", "clip": name(n), "split": "train"}
        | {"caption": f"a sound, the {n}th", "licence": "CC0-1.0"}
        for n in range(count)
    ]
    pq.write_table(pa.Table.from_pylist(lines, ROWS), path, compression="zstd")


def child(path: Path, lake: Path) -> None:
    """Normalise; print bytes of peak memory of this process and of its workers."""
    raw = RawTree([Source("made.zip", path.with_name("made.zip"), "0" * 64)])
    make_audio(Lake.create(lake), "d", read_rows(path), raw, licence="CC0-1.0")
    this = psutil.Process()
    peaks = [peak(this.pid), *(peak(worker.pid) for worker in this.children())]
    print(json.dumps({"parent": peaks[0], "workers": peaks[1:]}))


def peak(process: int) -> int:
    """Bytes resident at most so far (Linux: VmHWM)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{process}/status has no VmHWM")


def measured(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        rows(path, count)
        zipped(path.with_name("made.zip"), count)
        command = [sys.executable, __file__, str(path), f"{folder}/lake"]
        made = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(made.stdout)
    return found | {"clips": count, "peak": found["parent"] + sum(found["workers"])}


def benches() -> Iterator[Result]:
    few, many = measured(FEW), measured(MANY)
    yield Result(
        f"peak memory of normalising {MANY} clips",
        ours=many["peak"] / 1e6,
        theirs=few["peak"] / 1e6,
        how=f"theirs: {FEW} clips; parent {many['parent'] / 1e6:.0f} MB and its workers, VmHWM",
        unit="MB",
        at_least=1 / MOST,
    )


if __name__ == "__main__":
    child(Path(sys.argv[1]), Path(sys.argv[2]))
