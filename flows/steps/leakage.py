"""Leaks: training clips that a benchmark holds too, by origin, by file or by samples.

The paper names no filter; `--leakage strict` leaves such clips out of a release, each with its
reason. Sounds are compared by `sql/build/leaks.sql`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps.checks import sql
from flows.steps.lake import Lake, sha256_text
from flows.steps.release import Ingested
from flows.steps.withheld import without
from schemas import Benchmark
from schemas.tables import HELD_OUT, LEAKS, TRAINING_CLIPS

_STOP = "leakage"  # of REJECTED


def training_clips(lake: Lake, stop: Ingested, splits: Sequence[str]) -> pa.Table:
    """TRAINING_CLIPS of one dataset: the clips that have pairs in `splits`."""
    pairs = pq.read_table(lake.pairs(stop.dataset, stop.pairs), columns=["clip_id", "split"])
    return _asked("leak_training", lake, stop, splits, pair_table=pairs).cast(TRAINING_CLIPS)


def held_out(lake: Lake, stop: Ingested, benchmark: Benchmark) -> pa.Table:
    """HELD_OUT of one benchmark: the clips of its test and validation splits."""
    splits = (*benchmark.splits, *benchmark.validation)
    found = _asked("leak_held_out", lake, stop, splits)
    names = pa.array([benchmark.name] * found.num_rows, pa.string())
    return found.add_column(0, "benchmark", names).cast(HELD_OUT)


def leaks(training: Iterable[pa.Table], held: Iterable[pa.Table]) -> pa.Table:
    """LEAKS: one line per training clip and benchmark that hold the same sound."""
    with duckdb.connect() as con:
        con.register("training_table", pa.concat_tables([TRAINING_CLIPS.empty_table(), *training]))
        con.register("held_out_table", pa.concat_tables([HELD_OUT.empty_table(), *held]))
        return con.sql(sql("build/leaks")).to_arrow_table().cast(LEAKS)


def find(
    lake: Lake,
    ingested: Iterable[Ingested],
    train: Mapping[str, Sequence[str]],
    benchmarks: Iterable[Benchmark],
) -> pa.Table:
    """LEAKS between the `train` splits of the datasets and the benchmarks on any of them."""
    stops = {stop.dataset: stop for stop in ingested}
    training = [training_clips(lake, stop, train.get(name, ())) for name, stop in stops.items()]
    held = [held_out(lake, stops[b.dataset], b) for b in benchmarks if b.dataset in stops]
    return leaks(training, held)


def without_leaks(lake: Lake, stop: Ingested, found: pa.Table) -> Ingested:
    """The dataset without the pairs of its leaking clips, as a pairs file of its own.

    What the pairs stop rejected is recorded again beside it, and each clip left out with its
    benchmarks and the likeness.
    """
    mine = found.filter(pc.equal(found["dataset"], stop.dataset))
    if not mine.num_rows:
        return stop
    clips = pc.unique(mine["clip_id"])
    version = sha256_text("leakage-1", stop.pairs, *sorted(clips.to_pylist()))[:16]
    return without(lake, stop, version, clips, _rejections(stop.dataset, mine.to_pylist()))


def strict(
    lake: Lake,
    ingested: Iterable[Ingested],
    train: Mapping[str, Sequence[str]],
    benchmarks: Iterable[Benchmark],
) -> list[Ingested]:
    """The datasets without what any of the benchmarks holds out (`--leakage strict`)."""
    stops = list(ingested)
    found = find(lake, stops, train, benchmarks)
    return [without_leaks(lake, stop, found) for stop in stops]


def summary(found: pa.Table) -> list[dict[str, Any]]:
    """One line per dataset and benchmark: clips and pairs that leak, and by what."""
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for leak in found.to_pylist():
        key = (leak["dataset"], leak["benchmark"])
        empty = {"dataset": key[0], "benchmark": key[1], "clips": 0, "pairs": 0}
        line = lines.setdefault(key, empty | {"origin": 0, "file": 0, "samples": 0})
        line["clips"] += 1
        line["pairs"] += leak["pairs"]
        for kind in leak["kinds"]:
            line[kind] += 1
    return list(lines.values())


def _asked(
    name: str, lake: Lake, stop: Ingested, splits: Sequence[str], **tables: pa.Table
) -> pa.Table:
    rows = pq.read_table(
        lake.rows(stop.dataset, stop.rows), columns=["clip", "split", "origin_ids"]
    )
    clips = pq.read_table(lake.clips(stop.dataset, stop.audio))
    with duckdb.connect() as con:
        con.register("row_table", rows)
        con.register("clip_table", clips)
        con.register("split_table", pa.table({"split": pa.array(splits, pa.string())}))
        for table, value in tables.items():
            con.register(table, value)
        return con.sql(sql(f"build/{name}")).to_arrow_table()


def _rejections(dataset: str, mine: list[dict[str, Any]]) -> list[dict[str, Any]]:
    reasons: dict[str, list[str]] = {}
    for leak in mine:
        reasons.setdefault(leak["clip"], []).append(f"{leak['benchmark']} ({leak['example']})")
    return [
        {
            "dataset": dataset,
            "stop": _STOP,
            "kind": "clip",
            "subject": clip,
            "reason": "held_out",
            "detail": f"also in {', '.join(benchmarks)}",
        }
        for clip, benchmarks in reasons.items()
    ]
