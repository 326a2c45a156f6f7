"""Pairs at the paper's size: building 3.4 million, releasing, verifying and comparing them.

A full round takes about ten minutes, most of them for the yardsticks.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import row_loop
import synthesised
from bench_memory import peak
from contest import SCALE, Contest, Result, scaled
from flows.steps.archives import RawTree
from flows.steps.lake import Lake, sha256_file
from flows.steps.pairs import make_pairs
from flows.steps.release import Ingested, make_release, training_pairs, verify
from flows.steps.release_diff import diff
from flows.steps.rows import make_rows
from schemas import Release, Row
from schemas.tables import ROWS

_SHARD = 64 << 20  # bytes a dataset, so that a release has more to hash than tables
_MOST = {"build": 12.0, "diff": 1.5, "verify": 1 / 300e6}  # CPU-seconds; verify: a byte
_TRAIN = dict.fromkeys(synthesised.MIX, ("train",))


def benches() -> Iterator[Contest | Result]:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(Path(folder) / "lake")
        stops = synthesised.write(lake, SCALE)
        yield from _building(lake)
        yield from _releasing(lake, [stop._replace(pairs=_pairs(lake, stop)) for stop in stops])
    with tempfile.TemporaryDirectory() as folder:
        yield from _reading(Path(folder))


def build(lake: Lake) -> int:
    """Pairs of every dataset out of rows and clips, from nothing; how many."""
    shutil.rmtree(lake.root / "pairs", ignore_errors=True)
    made = {kind: make_pairs(lake, synthesised.dataset(kind), "r", "a") for kind in _TRAIN}
    return sum(pq.read_metadata(lake.pairs(*name)).num_rows for name in made.items())


def build_in_python(lake: Lake, checked: bool, kinds: Iterable[str] = tuple(_TRAIN)) -> int:
    """The same by the yardstick."""
    return sum(
        row_loop.build(
            synthesised.dataset(kind),
            lake.rows(kind, "r"),
            lake.clips(kind, "a"),
            lake.scratch() / f"{kind}.parquet",
            lake.scratch() / f"{kind}.rejected.parquet",
            checked,
        )
        for kind in kinds
    )


def _pairs(lake: Lake, stop: Ingested) -> str:
    return make_pairs(lake, synthesised.dataset(stop.dataset), "r", "a")


def _building(lake: Lake) -> Iterator[Contest | Result]:
    count = build(lake)
    assert build_in_python(lake, checked=False) == count
    for kind in _TRAIN:
        (made,) = (lake.root / "pairs" / kind).glob("*.parquet")
        ours, theirs = row_loop.ids(made), row_loop.ids(lake.scratch() / f"{kind}.parquet")
        assert all(one == other for one, other in zip(ours, theirs, strict=True))
    how = "mapping, ids, checks, Parquet in and out; theirs: a Python loop with hashlib, equal ids"
    facts: dict[str, Any] = {"ours": partial(build, lake), "rounds": 3, "warm": False}
    yield Contest(
        f"build {count} pairs",
        theirs=partial(build_in_python, lake, False),
        how=how,
        at_least=2.5,
        at_most=_MOST["build"] * SCALE,
        **facts,
    )
    yield Contest(
        f"build {count} pairs, against pydantic",
        theirs=partial(build_in_python, lake, True),
        how=how.replace("hashlib", "hashlib and a pydantic model a pair"),
        at_least=3.0,
        **(facts | {"rounds": 1}),
    )
    yield Result(
        f"peak memory of building {count} pairs",
        ours=_peak(lake, "build"),
        theirs=_peak(lake, "build_in_python"),
        how="resident at most, a process of its own each; theirs: the Python loop",
        unit="MB",
    )


def _peak(lake: Lake, method: str) -> float:
    command = [sys.executable, __file__, str(lake.root), method]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(made.stdout)


def _releasing(lake: Lake, stops: list[Ingested]) -> Iterator[Contest]:
    content = bytes(range(256)) * (scaled(_SHARD, 256) // 256)
    for stop in stops:
        (lake.audio(stop.dataset, stop.audio) / "shard-00000.tar").write_bytes(content)
    release = make_release(lake, stops, _TRAIN, {})
    fewer, least = (_without(lake, stops, kind) for kind in ("music", "events"))
    files = [f for p in release.parts for f in (p.rows, p.clips, p.pairs, *p.shards)]
    size = sum(file.bytes for file in files)
    assert verify(lake, release.release_id) == []
    yield Contest(
        f"verify a release of {size / 1e6:.0f} MB",
        ours=partial(verify, lake, release.release_id),
        theirs=lambda: [_sha256sum(lake.root / file.path) for file in files],
        how="every byte hashed; theirs: the program sha256sum",
        at_most=_MOST["verify"] * size,
    )
    yield Contest(
        f"release {release.pairs} pairs that have not changed",
        ours=partial(make_release, lake, stops, _TRAIN, {}),
        theirs=partial(_release_anew, lake, stops),
        how=f"theirs: the same, hashing all {size / 1e6:.0f} MB again",
        at_least=1.0,
    )
    for before in (fewer, least):
        yield Contest(
            f"diff of {before.pairs} and {release.pairs} pairs",
            ours=partial(diff, lake, before.release_id, release.release_id),
            theirs=partial(_unlike, lake, before, release),
            how="one dataset more; theirs: pyarrow looks up each pair id of both in the other",
            at_most=_MOST["diff"],
        )


def _without(lake: Lake, stops: list[Ingested], kind: str) -> Release:
    return make_release(lake, [stop for stop in stops if stop.dataset != kind], _TRAIN, {})


def _sha256sum(path: Path) -> None:
    subprocess.run(["sha256sum", path], stdout=subprocess.DEVNULL, check=True)


def _release_anew(lake: Lake, stops: list[Ingested]) -> Release:
    for stop in stops:
        lake.hashes(stop.dataset).unlink(missing_ok=True)
    return make_release(lake, stops, _TRAIN, {})


def _unlike(lake: Lake, old: Release, new: Release) -> tuple[int, int]:
    """(lost, added) pairs."""
    one, two = (training_pairs(lake, r.parts, ("pair_id", "split"))["pair_id"] for r in (old, new))
    return tuple(
        len(mine) - pc.sum(pc.is_in(mine, value_set=other)).as_py()
        for mine, other in ((one, two), (two, one))
    )


def _reading(folder: Path) -> Iterator[Contest]:
    count = scaled(300_000, 100)
    lake, dataset = Lake.create(folder / "lake"), synthesised.dataset("captions")

    def reader(raw: object) -> Iterator[Row]:
        for n in range(count):
            yield Row(
                row_id=f"captions.csv:{n}",
                clip=f"clips/{n // 3}.wav",
                split="train",
                caption=f"Dog number {n} barks at {n % 777} cats in the rain.",
                origin_ids=(f"freesound:{n // 3}",),
            )

    def ours() -> str:
        shutil.rmtree(lake.root / "rows", ignore_errors=True)
        return make_rows(lake, dataset, reader, RawTree([]), ())

    def theirs() -> str:
        lines = [{"dataset": dataset.name, **row.model_dump()} for row in reader(None)]
        assert len({line["row_id"] for line in lines}) == count
        out = folder / "rows.parquet"
        pq.write_table(pa.Table.from_pylist(lines, ROWS), out, compression="zstd")
        return sha256_file(out)

    yield Contest(
        f"rows: {count} of a reader to Parquet",
        ours=ours,
        theirs=theirs,
        how="the reader's own work is in both; theirs: model_dump of every row, one table",
        at_least=1.5,
        rounds=3,
    )


def _alone(root: Path, method: str) -> None:
    """Build in this process and print its peak memory in MB."""
    lake = Lake.open(root)
    build(lake) if method == "build" else build_in_python(lake, checked=False)
    print(peak(os.getpid()) / 1e6)


if __name__ == "__main__":
    _alone(Path(sys.argv[1]), sys.argv[2])
