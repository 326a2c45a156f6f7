"""What two releases do not share: pairs lost and added, by dataset and template, and why.

Reasons: "dataset" (the other release has none of it), "split" (not trained on there), "takedown"
and "licence" (left out for that), "held_out" (left out as a benchmark's), "changed" (same row and
template, other sound, text or version), "row" (the clip is there, its row is not), "clip".
"""

from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps.checks import sql
from flows.steps.lake import Lake
from flows.steps.release import WITHHELD, ingested, read_release
from schemas import Part, Release
from schemas.tables import PAIRS, REJECTED

_Lines = list[dict[str, Any]]

_SHOWN = ["template", "pair_id", "row_id", "input", "output"]


def diff(lake: Lake, old: str, new: str, limit: int = 0) -> dict[str, Any]:
    """{"old", "new": ids; "lost", "added": pairs; "changes": counts; "pairs": `limit` of each}.

    Datasets that are the same in both are not read, nor those that only one of them has, whose
    counts stand in its manifest. LakeError where a release is not there.
    """
    before, after = read_release(lake, old), read_release(lake, new)
    counts, shown = _changed(lake, before, after, limit)
    for change, mine, theirs in (("added", after, before), ("lost", before, after)):
        known = {part.dataset for part in theirs.parts}
        for part in mine.parts:
            if part.dataset not in known:
                line = {"change": change, "dataset": part.dataset, "reason": "dataset"}
                counts += [line | {"template": t, "pairs": n} for t, n in part.pair_counts.items()]
                shown += [line | pair for pair in _first(lake, part, limit)]
    shown.sort(key=lambda pair: pair["dataset"])
    totals = {
        change: sum(line["pairs"] for line in counts if line["change"] == change)
        for change in ("added", "lost")
    }
    return {
        **{"old": before.release_id, "new": after.release_id},
        **totals,
        "changes": sorted(counts, key=lambda x: (x["change"], x["dataset"], x["template"])),
        "pairs": [
            pair
            for change in totals
            for pair in [pair for pair in shown if pair["change"] == change][:limit]
        ],
    }


def _changed(lake: Lake, before: Release, after: Release, limit: int) -> tuple[_Lines, _Lines]:
    """(counts, the first pairs) of the datasets that both releases have."""
    both = {p.dataset for p in before.parts} & {p.dataset for p in after.parts}
    with duckdb.connect() as con:
        for side, mine, theirs in (("old", before, after), ("new", after, before)):
            differ = [p for p in mine.parts if p.dataset in both and p not in theirs.parts]
            _offer(con, lake, side, differ)
        held = pa.chunked_array([_held_out(lake, before), _held_out(lake, after)])
        con.register("held_out_table", pa.table({"clip_id": held}))
        withheld = pa.concat_tables([_withheld(lake, before), _withheld(lake, after)])
        con.register("withheld_table", withheld)
        con.sql(sql("build/release_diff")).create("change_table")
        counts = con.sql(sql("results/release_diff")).to_arrow_table().to_pylist()
        con.execute("set variable most = ?", [limit])
        return counts, con.sql(sql("results/release_diff_pairs")).to_arrow_table().to_pylist()


def _offer(con: duckdb.DuckDBPyConnection, lake: Lake, side: str, parts: list[Part]) -> None:
    """Tables of one release: the pairs of `parts`, and the splits that these train on."""
    files = [str(lake.root / part.pairs.path) for part in parts]
    if files:
        con.read_parquet(files).create_view(f"{side}_table")
    else:
        con.register(f"{side}_table", PAIRS.empty_table())
    splits = [(part.dataset, split) for part in parts for split in part.train]
    both = _column("dataset", (dataset for dataset, _ in splits))
    con.register(
        f"{side}_split_table",
        both.append_column("split", _column("split", (split for _, split in splits))["split"]),
    )


def _first(lake: Lake, part: Part, limit: int) -> _Lines:
    """The first pairs that a part trains on."""
    found: _Lines = []
    with pq.ParquetFile(lake.root / part.pairs.path) as file:
        for batch in file.iter_batches(1000, columns=["split", *_SHOWN]) if limit else ():
            trained = batch.filter(pc.is_in(batch["split"], pa.array(part.train, pa.string())))
            found += trained.select(_SHOWN).to_pylist()
            if len(found) >= limit:
                break
    return found[:limit]


def _column(name: str, values: Iterable[str]) -> pa.Table:
    return pa.table({name: pa.array(list(values), pa.string())})


def _held_out(lake: Lake, release: Release) -> pa.Array:
    """Ids of the clips that `--leakage strict` left out of the release."""
    found: list[str] = []
    for stop in ingested(lake, release).values() if release.leakage == "strict" else ():
        rejected = pq.read_table(lake.rejected(stop.dataset, "pairs", stop.pairs))
        names = rejected.filter(pc.equal(rejected["stop"], "leakage"))["subject"].to_pylist()
        if names:
            place, wanted = lake.clips(stop.dataset, stop.audio), [("name", "in", names)]
            clips = pq.read_table(place, columns=["clip_id"], filters=wanted)
            found += clips["clip_id"].to_pylist()
    return pa.array(found, pa.string())


def _withheld(lake: Lake, release: Release) -> pa.Table:
    """REJECTED of the pairs that a takedown or the licences left out of the release."""
    tables = [REJECTED.empty_table()]
    stops = ingested(lake, release)
    for part in release.parts:
        if part.left_out:
            path = lake.rejected(part.dataset, "pairs", stops[part.dataset].pairs)
            tables.append(pq.read_table(path, filters=[("stop", "in", WITHHELD)]))
    return pa.concat_tables(tables)
