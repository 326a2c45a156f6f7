"""Fetching what is there and untouched, against hashing it again (`refresh`).

Files of 8 KiB; PENGI_BENCH_FILES says how many (20,000 unless told).
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from contest import Contest, scaled
from flows.steps.fetch import fetch
from flows.steps.lake import Lake
from schemas import Access, Dataset

FILES = int(os.environ.get("PENGI_BENCH_FILES", scaled(20_000)))
_MOST = 6e-6  # CPU-seconds a file
_LEAST = 8.0  # times cheaper than hashing
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


def benches() -> Iterator[Contest]:
    check, rehash = calls(FILES)
    yield Contest(
        f"fetch of an untouched copy of {FILES} files",
        ours=check,
        theirs=rehash,
        how="theirs: fetch with refresh, which hashes every file again",
        at_least=_LEAST,
        at_most=_MOST * FILES,
    )


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
