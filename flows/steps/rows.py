"""Rows: a dataset's own reader, run once over its raw archives, kept as Parquet."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.steps.checks import ReconcileError, check
from flows.steps.lake import Lake, sha256_text, written
from flows.steps.progress import Progress, silent
from flows.steps.row_groups import row_groups
from schemas import Dataset, Malformed, Raw, Row
from schemas.tables import REJECTED, ROWS

_FORMAT = "rows-2"  # raise it when the same rows would be written as other bytes
_CHUNK = 500  # rows held as Python objects at a time; the collector goes through them all
_REPEATED = (
    "dataset",
    "split",
    "answer",
    "events.list.element",
    "scene",
    "emotion",
    "sentiment",
    "language",
    "genre",
    "tags.list.element",
    "instrument",
    "pitch",
    "velocity",
    "qualities.list.element",
    "licence",
    "attribution",
)

# every field of a row: its name, its type, and the value of a row that does not give it
_FACTS = [(fact.name, fact.type, [Row.model_fields[fact.name].default]) for fact in list(ROWS)[1:]]


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
    """Write the rows of `dataset` and what was malformed, in the reader's order; the version.

    `inputs` are the hashes that the rows follow from (archives, dataset file). RowsError when the
    reader fails, gives no row, gives one row id twice or a split that is not declared; what the
    archives raise passes through. Holds one chunk of rows, however many there are.
    """
    version = sha256_text(_FORMAT, *inputs)[:16]
    path = lake.rows(dataset.name, version)
    if path.exists():
        return version
    with (
        written(path) as rows,
        written(lake.rejected(dataset.name, "rows", version)) as rejected,
    ):
        with (
            row_groups(rows, ROWS, _REPEATED) as keep,
            row_groups(rejected, REJECTED, REJECTED.names) as leave,
        ):
            count = 0
            for chunk in _chunks(dataset.name, reader(raw)):
                found, malformed = _parted(dataset.name, chunk)
                keep(_rows(dataset, found))
                leave(_rejections(dataset, malformed))
                count += len(chunk)
                progress(f"{dataset.name}: rows", count, count)
        _refuse(dataset, rows)
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


def _parted(dataset: str, chunk: list[Any]) -> tuple[list[Row], list[Malformed]]:
    rows = [line for line in chunk if isinstance(line, Row)]
    if len(rows) == len(chunk):  # to ask a pydantic class about a stranger is slow
        return rows, []
    others = [line for line in chunk if not isinstance(line, Row)]
    if strange := [line for line in others if not isinstance(line, Malformed)]:
        raise RowsError(
            f"{dataset}: its reader gave a {type(strange[0]).__name__}, expected Row or Malformed: "
            f"{strange[0]!r:.100}. Correct rows() in its file."
        )
    return rows, others


def _rows(dataset: Dataset, rows: list[Row]) -> pa.Table:
    """ROWS, column by column: a dump of every model would cost more than the reader."""
    if unknown := sorted({row.split for row in rows} - set(dataset.splits)):
        raise RowsError(
            f"{dataset.name}: rows of split {', '.join(unknown)}; "
            f"declared are {', '.join(dataset.splits)}."
        )
    given = {name for row in rows for name in row.model_fields_set}
    facts = [vars(row) for row in rows]
    columns = [
        _column(dataset, name, kind, [fact[name] for fact in facts])
        if name in given
        else pa.array(unset * len(rows), kind)
        for name, kind, unset in _FACTS
    ]
    return pa.table([pa.repeat(dataset.name, len(rows)), *columns], schema=ROWS)


def _column(dataset: Dataset, name: str, kind: pa.DataType, values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, kind)
    except (UnicodeEncodeError, pa.ArrowException) as fault:  # half a surrogate pair
        raise RowsError(
            f"{dataset.name}: a row's {name} is no text that can be stored: {fault}. "
            "Decode the file with its true encoding in its reader."
        ) from fault


def _rejections(dataset: Dataset, lines: list[Malformed]) -> pa.Table:
    return pa.table(
        {
            "dataset": pa.repeat(dataset.name, len(lines)),
            "stop": pa.repeat("rows", len(lines)),
            "kind": pa.repeat("row", len(lines)),
            "subject": pa.array([line.row_id for line in lines], pa.string()),
            "template": pa.nulls(len(lines), pa.string()),
            "reason": pa.repeat("malformed_row", len(lines)),
            "detail": pa.array([line.reason for line in lines], pa.string()),
        },
        schema=REJECTED,
    )


def _refuse(dataset: Dataset, rows: Path) -> None:
    if pq.read_metadata(rows).num_rows == 0:
        raise RowsError(f"{dataset.name}: no annotation was found in its archives; expected some.")
    try:
        check("rows_unique", row_table=rows)
    except ReconcileError as fault:
        raise RowsError(
            f"{dataset.name}: a row id occurs twice; they must differ. {fault}"
        ) from None
