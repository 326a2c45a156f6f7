"""Rows: a dataset's own reader, run once over its raw archives, kept as Parquet."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa

from flows.steps.lake import Lake, sha256_text, write_table
from flows.steps.progress import Progress, silent
from schemas import Dataset, Malformed, Raw, Row
from schemas.tables import REJECTED, ROWS

_CHUNK = 50_000  # rows held as Python objects at a time


class RowsError(Exception):
    """The dataset's annotations cannot be read as its file in flows/datasets says."""


def make_rows(
    lake: Lake,
    dataset: Dataset,
    reader: Callable[[Raw], Iterator[Row | Malformed]],
    raw: Raw,
    inputs: tuple[str, ...],
    progress: Progress = silent,
) -> str:
    """Write the rows of `dataset` and what was malformed; return the version.

    `inputs` are the hashes that the rows follow from (archives, dataset file). RowsError when the
    reader fails, gives no row, or gives one row id twice.
    """
    version = sha256_text("rows-1", *inputs)[:16]
    path = lake.rows(dataset.name, version)
    if path.exists():
        return version
    tables: list[pa.Table] = []
    rejected: list[dict[str, Any]] = []
    count = 0
    for chunk in _chunks(dataset.name, reader(raw)):
        rejected += [
            _rejection(dataset.name, line) for line in chunk if isinstance(line, Malformed)
        ]
        rows = [{"dataset": dataset.name, **r.model_dump()} for r in chunk if isinstance(r, Row)]
        tables.append(pa.Table.from_pylist(rows, schema=ROWS))
        count += len(chunk)
        progress(f"{dataset.name}: rows", count, count)
    table = pa.concat_tables(tables) if tables else ROWS.empty_table()
    _refuse(dataset, table)
    left_out = pa.Table.from_pylist(rejected, schema=REJECTED)
    write_table(lake.rejected(dataset.name, "rows", version), left_out)
    write_table(path, table)
    return version


def _chunks(name: str, lines: Iterator[Row | Malformed]) -> Iterator[list[Row | Malformed]]:
    try:
        while chunk := list(islice(lines, _CHUNK)):
            yield chunk
    except (KeyError, ValueError, TypeError, OSError) as fault:
        raise RowsError(
            f"{name}: its annotations do not read as flows/datasets/{name}.py expects: "
            f"{type(fault).__name__}: {fault}. Compare that file with the columns it reads."
        ) from fault


def _rejection(dataset: str, line: Malformed) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "stop": "rows",
        "kind": "row",
        "subject": line.row_id,
        "reason": "malformed_row",
        "detail": line.reason,
    }


def _refuse(dataset: Dataset, table: pa.Table) -> None:
    if table.num_rows == 0:
        raise RowsError(f"{dataset.name}: no annotation was found in its archives; expected some.")
    seen: set[str] = set()
    for row_id in table["row_id"].to_pylist():
        if row_id in seen:
            raise RowsError(f"{dataset.name}: row id {row_id!r} occurs twice; row ids must differ.")
        seen.add(row_id)
    unknown = sorted(set(table["split"].to_pylist()) - set(dataset.splits))
    if unknown:
        raise RowsError(
            f"{dataset.name}: rows of split {', '.join(unknown)}; "
            f"declared are {', '.join(dataset.splits)}."
        )
