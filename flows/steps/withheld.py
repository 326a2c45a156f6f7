"""A dataset without some of its pairs: a pairs file of its own, the reasons recorded beside it."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps.checks import ReconcileError
from flows.steps.lake import Lake, sha256_text, write_table
from flows.steps.release import Ingested
from schemas.tables import REJECTED


def without(
    lake: Lake, stop: Ingested, version: str, clips: pa.Array, lines: list[dict[str, Any]]
) -> Ingested:
    """The dataset without the pairs of `clips`, as pairs `version`; `lines` (REJECTED) say why.

    There is a line for each clip. ReconcileError, and nothing written, where the counts are not
    those of before.
    """
    path = lake.pairs(stop.dataset, version)
    if not path.exists():
        pairs = pq.read_table(lake.pairs(stop.dataset, stop.pairs))
        leaving = pc.is_in(pairs["clip_id"], value_set=clips)
        if len(lines) != len(clips):
            raise ReconcileError(
                f"{stop.dataset}: {len(lines)} reasons for {len(clips)} clips left out; "
                "nothing was written."
            )
        kept = pairs.filter(pc.invert(leaving))
        _write(lake, stop, version, pairs, kept, pa.Table.from_pylist(lines, REJECTED))
    return stop._replace(pairs=version)


def withhold(lake: Lake, stop: Ingested, why: Mapping[str, str], at: str, reason: str) -> Ingested:
    """The dataset without the pairs of the clips in `why` (clip id -> detail), a line for each.

    In = out + rejected holds pair by pair: every pair left out is a line of REJECTED with stop
    `at`. A dataset without such pairs stays what it is.
    """
    names = pa.array(sorted(why), pa.string())
    pairs = pq.read_table(lake.pairs(stop.dataset, stop.pairs))
    leaving = pc.is_in(pairs["clip_id"], value_set=names)
    gone = pairs.filter(leaving)
    if not gone.num_rows:
        return stop
    version = sha256_text(f"{at}-1", stop.pairs, *(f"{n} {why[n]}" for n in names.to_pylist()))[:16]
    if not lake.pairs(stop.dataset, version).exists():
        kept = pairs.filter(pc.invert(leaving))
        _write(lake, stop, version, pairs, kept, _lines(gone, why, at, reason))
    return stop._replace(pairs=version)


def _lines(gone: pa.Table, why: Mapping[str, str], at: str, reason: str) -> pa.Table:
    count = gone.num_rows
    return pa.table(
        {
            "dataset": gone["dataset"],
            "stop": pa.repeat(at, count),
            "kind": pa.repeat("row", count),
            "subject": gone["row_id"],
            "template": gone["template"],
            "reason": pa.repeat(reason, count),
            "detail": pa.array([why[clip] for clip in gone["clip_id"].to_pylist()], pa.string()),
        },
        schema=REJECTED,
    )


def _write(
    lake: Lake, stop: Ingested, version: str, pairs: pa.Table, kept: pa.Table, lines: pa.Table
) -> None:
    gone = pairs.num_rows - kept.num_rows
    whole = {"row"} >= set(lines["kind"].to_pylist())
    if whole and gone != lines.num_rows:
        raise ReconcileError(
            f"{stop.dataset}: {pairs.num_rows} pairs, {kept.num_rows} kept, {lines.num_rows} left "
            "out; nothing was written."
        )
    before = pq.read_table(lake.rejected(stop.dataset, "pairs", stop.pairs))
    write_table(lake.rejected(stop.dataset, "pairs", version), pa.concat_tables([before, lines]))
    write_table(lake.pairs(stop.dataset, version), kept)
