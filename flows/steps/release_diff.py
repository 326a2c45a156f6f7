"""What two releases do not share: pairs lost and added, by dataset and template, and why.

Reasons: "dataset" (the other release has none of it), "split" (not trained on there), "held_out"
(left out as a benchmark's), "changed" (same row and template, other sound, text or version), "row"
(the clip is there, its row is not), "clip".
"""

from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps.checks import sql
from flows.steps.lake import Lake
from flows.steps.release import ingested, read_release
from schemas import Part, Release
from schemas.tables import PAIRS


def diff(lake: Lake, old: str, new: str, limit: int = 0) -> dict[str, Any]:
    """{"old", "new": ids; "lost", "added": pairs; "changes": counts; "pairs": `limit` of each}.

    Datasets that are the same in both are not read. LakeError where a release is not there.
    """
    before, after = read_release(lake, old), read_release(lake, new)
    with duckdb.connect() as con:
        for side, mine, theirs in (("old", before, after), ("new", after, before)):
            _offer(con, lake, side, mine, [p for p in mine.parts if p not in theirs.parts])
        held = pa.chunked_array([_held_out(lake, before), _held_out(lake, after)])
        con.register("held_out_table", pa.table({"clip_id": held}))
        con.sql(sql("build/release_diff")).create("change_table")
        counts = con.sql(sql("results/release_diff")).to_arrow_table().to_pylist()
        con.execute("set variable most = ?", [limit])
        shown = con.sql(sql("results/release_diff_pairs")).to_arrow_table().to_pylist()
    totals = {
        change: sum(line["pairs"] for line in counts if line["change"] == change)
        for change in ("lost", "added")
    }
    ids = {"old": before.release_id, "new": after.release_id}
    return {**ids, **totals, "changes": counts, "pairs": shown}


def _offer(
    con: duckdb.DuckDBPyConnection, lake: Lake, side: str, release: Release, parts: list[Part]
) -> None:
    """Tables of one release: its datasets, the pairs of `parts`, the splits these train on."""
    con.register(f"{side}_part_table", _column("dataset", (p.dataset for p in release.parts)))
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


def _column(name: str, values: Iterable[str]) -> pa.Table:
    return pa.table({name: pa.array(list(values), pa.string())})


def _held_out(lake: Lake, release: Release) -> pa.Array:
    """Ids of the clips that `--leakage strict` left out of the release."""
    found: list[str] = []
    for stop in ingested(lake, release).values() if release.leakage == "strict" else ():
        rejected = pq.read_table(lake.rejected(stop.dataset, "pairs", stop.pairs))
        names = rejected.filter(pc.equal(rejected["stop"], "leakage"))["subject"].to_pylist()
        clips = pq.read_table(
            lake.clips(stop.dataset, stop.audio),
            columns=["clip_id"],
            filters=[("name", "in", names)] if names else None,
        )
        found += clips["clip_id"].to_pylist() if names else []
    return pa.array(found, pa.string())
