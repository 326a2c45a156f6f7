"""Parquet as it comes: rows in pieces of any size, written in row groups of one size."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.steps.lake import ROW_GROUP


@contextmanager
def row_groups(
    path: Path, schema: pa.Schema, repeated: Sequence[str] = ()
) -> Iterator[Callable[[pa.Table], None]]:
    """A function that appends a table to the file; the same rows give the same bytes.

    Holds one row group at a time. `repeated` are the columns with few distinct values: only these
    get a dictionary, which is smaller and cheaper than one tried on every column.
    """
    held: list[pa.Table] = []
    with pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=list(repeated)
    ) as writer:

        def append(table: pa.Table) -> None:
            held.append(table if table.schema.equals(schema) else table.cast(schema))
            if sum(piece.num_rows for piece in held) >= ROW_GROUP:
                flush(ROW_GROUP)

        def flush(least: int) -> None:
            rows = pa.concat_tables([schema.empty_table(), *held])
            while rows.num_rows >= least:
                writer.write_table(rows.slice(0, ROW_GROUP).combine_chunks(), ROW_GROUP)
                rows = rows.slice(ROW_GROUP)
            held[:] = [rows] if rows.num_rows else []

        yield append
        flush(1)
