"""Pairs: the template mapping of Table 1, done by `sql/build/pairs.sql` in DuckDB."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from flows.steps.checks import check, over, sql
from flows.steps.lake import ROW_GROUP, Lake, sha256_text, written
from flows.steps.row_groups import row_groups
from schemas import TEMPLATES, Dataset
from schemas.tables import PAIRS, REJECTED

_BUILD = "build/pairs"
_FORMAT = "pairs-2"  # raise it when the same pairs would be written as other bytes
_REPEATED = ("dataset", "split", "template", "template_version", "input")


def make_pairs(lake: Lake, dataset: Dataset, rows_version: str, audio_version: str) -> str:
    """Write pairs and rejections of one dataset, sorted by clip; return the version.

    ReconcileError when rows x templates is not pairs + rejected, or a pair id occurs twice.
    """
    asked = templates(dataset)
    version = sha256_text(
        _FORMAT, rows_version, audio_version, str(asked.to_pylist()), sql(_BUILD)
    )[:16]
    path = lake.pairs(dataset.name, version)
    if path.exists():
        return version
    rows = lake.rows(dataset.name, rows_version)
    clips = lake.clips(dataset.name, audio_version)
    rejected = lake.rejected(dataset.name, "pairs", version)
    with written(path) as kept, written(rejected) as left:
        with (
            row_groups(kept, PAIRS, _REPEATED) as keep,
            row_groups(left, REJECTED, REJECTED.names) as leave,
        ):
            for pairs, others in map_rows(rows, clips, asked):
                keep(pairs)
                leave(others)
        check(
            "pairs_reconcile",
            row_table=rows,
            template_table=asked,
            pair_table=kept,
            rejected_table=left,
        )
        check("pairs_unique", pair_table=kept)
    return version


def map_rows(
    rows: pa.Table | Path, clips: pa.Table | Path, asked: pa.Table
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Pieces of (PAIRS, REJECTED) of `rows` (ROWS) under the templates `asked`, sorted by clip."""
    with over(row_table=rows, clip_table=clips, template_table=asked) as con:
        for batch in con.sql(sql(_BUILD)).to_arrow_reader(ROW_GROUP):
            pairs, left = _parted(batch)
            yield pa.table(pairs.select(PAIRS.names)), _rejections(left)


def _parted(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """(lines without a reason, lines with one); not copied where there is nothing to part."""
    if batch["reason"].null_count == batch.num_rows:
        return batch, batch.slice(batch.num_rows)
    kept = pc.is_null(batch["reason"])
    return batch.filter(kept), batch.filter(pc.invert(kept))


def templates(dataset: Dataset) -> pa.Table:
    """The templates of a dataset as `sql/build/pairs.sql` reads them."""
    chosen = [TEMPLATES[name] for name in dataset.templates]
    return pa.table(
        {
            "name": pa.array([t.name for t in chosen], pa.string()),
            "input": pa.array([t.input for t in chosen], pa.string()),
            "version": pa.array([t.version for t in chosen], pa.int32()),
            "needs": pa.array([t.needs for t in chosen], pa.list_(pa.string())),
        }
    )


def _rejections(left: pa.RecordBatch) -> pa.Table:
    return pa.table(
        {
            "dataset": left["dataset"],
            "stop": pa.repeat("pairs", left.num_rows),
            "kind": pa.repeat("row", left.num_rows),
            "subject": left["row_id"],
            "template": left["template"],
            "reason": left["reason"],
            "detail": left["detail"],
        },
        schema=REJECTED,
    )
