"""Audit at the paper's size: 3.4 million pairs, a run of 60 epochs over them (sec. 4.3), a result.

Indexes are made once, before; what that costs is a line of its own. Yardsticks are the same
questions put to DuckDB over the same Parquet files.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import synthesised
from contest import SCALE, Contest, Result, processor_seconds
from flows.presented import Presented, pairs_of_step, presented, steps_of_pair
from flows.steps.checks import sql
from flows.steps.id_index import clip_pairs, id_index, pairs_files
from flows.steps.known import Known
from flows.steps.lake import Lake, write_json, write_table
from flows.steps.pairs import make_pairs
from flows.steps.release import make_release, training_pairs
from flows.steps.release_diff import diff
from flows.steps.tally import licences, tally
from flows.trace import trace
from pengi_model import order
from schemas import Release, Run
from schemas.tables import ANSWERS, FETCHES, SCORES

_TRAIN = dict.fromkeys(synthesised.MIX, ("train",))
_MOST = {"clip": 0.025, "counts": 0.05, "diff": 1.5, "steps": 0.01, "cell": 0.2}  # CPU-seconds
_RUN, _BATCH, _EPOCHS = "00112233445566ff", 384, 60  # sec. 4.3
_ROUNDS = 9


def benches() -> Iterator[Contest | Result]:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(Path(folder) / "lake")
        stops = [
            stop._replace(pairs=make_pairs(lake, synthesised.dataset(stop.dataset), "r", "a"))
            for stop in synthesised.write(lake, SCALE)
        ]
        for stop in stops:
            (lake.audio(stop.dataset, "a") / "shard-00000.tar").write_bytes(b"sounds")
        few = make_release(lake, [s for s in stops if s.dataset != "captions"], _TRAIN, {})
        release = make_release(lake, stops, _TRAIN, {})
        _ledgers(lake)
        _trained(lake, release)
        _evaluated(lake, release)
        yield from _asking(lake, few, release)


def _asking(lake: Lake, few: Release, release: Release) -> Iterator[Contest | Result]:
    (run,) = Known(lake).runs
    first = processor_seconds(lambda: _indexed(lake, run, release))
    known = presented(lake, run)
    assert known is not None
    pairs = pq.read_table(lake.root / release.parts[1].pairs.path).slice(0, 1).to_pylist()
    clip, pair, step = pairs[0]["clip_id"], pairs_of_step(lake, known, 4711 % known.steps)[0], 4711
    step %= known.steps
    assert step in steps_of_pair(lake, known, pair)
    assert _clip(lake, clip) == _clip_in_duckdb(lake, clip)
    yield Result(
        f"indexes of {release.pairs} pairs, made once",
        ours=first,
        theirs=processor_seconds(lambda: [sql_counts(lake) for _ in range(3)]),
        how="by pair and clip id, the order of the run, counts; theirs: three counts in DuckDB",
    )
    yield from _of_pairs(lake, few, release, clip)
    yield from _of_steps(lake, known, pair, step)


def _of_pairs(lake: Lake, few: Release, release: Release, clip: str) -> Iterator[Contest]:
    contest = partial(Contest, rounds=_ROUNDS)
    yield contest(
        "the pairs of one clip",
        ours=partial(_clip, lake, clip),
        theirs=partial(_clip_in_duckdb, lake, clip),
        how="of all datasets; theirs: DuckDB",
        at_most=_MOST["clip"],
    )
    yield contest(
        "pairs by dataset, template and licence",
        ours=lambda: (_counts(lake, release), licences(lake, release)),
        theirs=partial(sql_counts, lake),
        how="theirs: sql/audit/pairs.sql",
        at_most=_MOST["counts"],
    )
    yield Contest(
        f"diff of {few.pairs} and {release.pairs} pairs",
        ours=partial(diff, lake, few.release_id, release.release_id),
        theirs=partial(_diff_in_duckdb, lake, few, release),
        how="one dataset more; theirs: sql/audit/release_diff.sql",
        at_most=_MOST["diff"],
        rounds=1,
        warm=False,
    )


def _of_steps(lake: Lake, known: Presented, pair: str, step: int) -> Iterator[Contest]:
    contest = partial(Contest, rounds=_ROUNDS)
    yield contest(
        f"the pairs of a step of {known.steps}",
        ours=partial(pairs_of_step, lake, known, step),
        theirs=partial(_step_by_reading, known, step),
        how=f"{_BATCH} pair ids; theirs: the same arithmetic, then the column of pair ids",
        at_most=_MOST["steps"],
    )
    yield contest(
        f"the steps of a pair, of {_EPOCHS * known.n} presentations",
        ours=partial(steps_of_pair, lake, known, pair),
        theirs=partial(_steps_by_reading, known, pair),
        how="theirs: the same arithmetic, after looking for the pair in the column of pair ids",
        at_most=_MOST["steps"],
    )
    yield contest(
        "the whole trace of a result",
        ours=partial(trace, lake, "table3/Pengi/esc50"),
        theirs=partial(sql_counts, lake),
        how="to archives and licences; theirs: one count of it in DuckDB",
        at_most=_MOST["cell"],
    )
    yield contest(
        "the whole trace of a pair",
        ours=partial(trace, lake, pair),
        theirs=partial(_pair_in_duckdb, lake, pair),
        how="theirs: sql/audit/pairs_of_clip.sql",
    )


def _indexed(lake: Lake, run: Run, release: Release) -> None:
    for path in pairs_files(lake):
        id_index(lake, path)
    for path in Known(lake).clips_files():
        id_index(lake, path, "clip_id")
    presented(lake, run)
    _counts(lake, release)


def _clip(lake: Lake, clip: str) -> list[dict[str, Any]]:
    return [pair for path in pairs_files(lake) for pair in clip_pairs(path, clip)]


def _clip_in_duckdb(lake: Lake, clip: str) -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        found = con.read_parquet(str(lake.root / "pairs" / "*" / "*.parquet"))
        return found.filter(duckdb.ColumnExpression("clip_id") == clip).to_arrow_table().to_pylist()


def _counts(lake: Lake, release: Release) -> list[list[dict[str, Any]]]:
    return [tally(lake, part) for part in release.parts]


def sql_counts(lake: Lake) -> None:
    _shell(lake, "pairs")


def _diff_in_duckdb(lake: Lake, few: Release, release: Release) -> None:
    _shell(lake, "release_diff", old=few.release_id, new=release.release_id)


def _pair_in_duckdb(lake: Lake, pair: str) -> None:
    _shell(lake, "pairs_of_clip", id=pair)


def _shell(lake: Lake, name: str, **variables: str) -> None:
    with duckdb.connect() as con:
        for key, value in {"lake": str(lake.root), **variables}.items():
            con.execute("set variable lake = ?" if key == "lake" else _SET[key], [value])
        con.execute(sql(f"audit/{name}")).fetchall()


_SET = {name: f"set variable {name} = ?" for name in ("old", "new", "id")}


def _ids(known: Presented) -> pa.Array:
    tables = [pq.read_table(path, columns=["pair_id"])["pair_id"] for path in known.files]
    return pa.chunked_array([chunk for table in tables for chunk in table.chunks]).combine_chunks()


def _step_by_reading(known: Presented, step: int) -> list[str]:
    places = order.samples(known.n, known.seed, step * _BATCH, _BATCH)
    return _ids(known).take(pa.array(known.rows[places])).to_pylist()


def _steps_by_reading(known: Presented, pair: str) -> list[int]:
    row = _ids(known).index(pair).as_py()
    place = int(np.searchsorted(known.rows, row))
    return [
        int(order.indices(known.n, known.seed, epoch, place) + epoch * known.n) // _BATCH
        for epoch in range(_EPOCHS)
    ]


def _ledgers(lake: Lake) -> None:
    for kind in synthesised.MIX:
        clips = pq.read_table(lake.clips(kind, "a"), columns=["archive", "archive_sha256"])
        named = clips.group_by(["archive", "archive_sha256"]).aggregate([]).to_pylist()
        lines = [
            {
                **{"dataset": kind, "archive": line["archive"], "sha256": line["archive_sha256"]},
                **{"url": f"https://example.org/{line['archive']}", "bytes": 1},
                "retrieved": "2024-05-01T00:00:00+00:00",
            }
            for line in named
        ]
        write_table(lake.fetches(kind), pa.Table.from_pylist(lines, FETCHES))


def _trained(lake: Lake, release: Release) -> None:
    digest = hashlib.sha256()
    for chunk in training_pairs(lake, release.parts, ("pair_id", "split"))["pair_id"].chunks:
        digest.update("".join(f"{id}\n" for id in chunk.to_pylist()).encode())
    n, folder = release.pairs, lake.run(_RUN)
    steps = -(-_EPOCHS * n // _BATCH)
    run = Run(
        run_id=_RUN,
        name="pengi",
        release_id=release.release_id,
        code_sha256="c" * 64,
        config={"stage": "pengi", "seed": 0},
    )
    write_json(folder / "run.json", run.model_dump())
    plan = [{"first": 0, "stop": steps, "batch": _BATCH, "first_sample": 0}]
    facts = {"seed": 0, "pairs": n, "pairs_sha256": digest.hexdigest(), "templates": {}}
    write_json(folder / "order.json", facts | {"plan": plan})
    ran = [{"first": at, "stop": min(at + 1000, steps)} for at in range(0, steps, 1000)]
    (folder / "steps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in ran))


def _evaluated(lake: Lake, release: Release) -> None:
    which = {"run_id": _RUN, "benchmark": "esc50", "protocol": "generate", "prompt": "p"}
    given = [which | {"clip_id": "c", "row_id": f"r{n}", "answer": "a dog"} for n in range(2000)]
    line = which | {"run": "pengi", "release_id": release.release_id, "metric": "accuracy"}
    scores = pa.Table.from_pylist([line | {"headline": True, "value": 0.5, "n": 2000}], SCORES)
    write_table(lake.answers(_RUN, "esc50-0"), pa.Table.from_pylist(given, ANSWERS))
    write_table(lake.scores(_RUN, "esc50-0"), scores)
