"""Fetching what is there and untouched, against hashing it again (`refresh`).

`python tests/bench/bench_fetch.py` prints the CPU-seconds of both per million files of 8 KiB,
taking turns; PENGI_BENCH_FILES says on how many files (20,000 unless told).
"""

import os
import resource
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from flows.steps.fetch import fetch
from flows.steps.lake import Lake
from schemas import Access, Dataset

FILES = int(os.environ.get("PENGI_BENCH_FILES", "20000"))
_BYTES = 8 << 10
_IN_A_FOLDER = 1000
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []  # kept until the end

DATASET = Dataset(
    name="copy",
    title="A copy",
    homepage="https://example.org",
    licence="CC0-1.0",
    citation="none",
    archives=(),
    access=Access(kind="agreement"),
    splits=("train",),
)


def cases() -> Iterator[tuple[str, object, object]]:
    check, rehash = calls(FILES)
    yield "fetch of an untouched copy / hashing it again", check, rehash


def calls(count: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """(unchanged check, hashing again) of a given copy of `count` files."""
    _FOLDERS.append(tempfile.TemporaryDirectory())
    folder = Path(_FOLDERS[-1].name) / "given"
    content = os.urandom(_BYTES)
    for k in range(count):
        place = folder / f"{k // _IN_A_FOLDER:04d}"
        if not k % _IN_A_FOLDER:
            place.mkdir(parents=True)
        (place / f"{k:07d}.wav").write_bytes(content)
    lake = Lake.create(Path(_FOLDERS[-1].name) / "lake")
    fetch(DATASET, lake, folder)
    return lambda: fetch(DATASET, lake, folder), lambda: fetch(DATASET, lake, folder, refresh=True)


def cpu(call: Callable[[], object]) -> float:
    """CPU-seconds of one call, of this process and the kernel for it."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    call()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    check, rehash = calls(FILES)
    times = [(cpu(check), cpu(rehash)) for _ in range(5)]
    mine, other = (statistics.median(column) * 1e6 / FILES for column in zip(*times, strict=True))
    print(f"{FILES} files: {mine:.2f} CPU-s per million, hashing {other:.2f}: {other / mine:.1f}x")
