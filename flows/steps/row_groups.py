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
    held = schema.empty_table()
    with pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=list(repeated)
    ) as writer:

        def append(table: pa.Table) -> None:
            nonlocal held
            held = pa.concat_tables([held, table.cast(schema)])
            while held.num_rows >= ROW_GROUP:
                writer.write_table(held.slice(0, ROW_GROUP).combine_chunks(), ROW_GROUP)
                held = held.slice(ROW_GROUP)

        yield append
        if held.num_rows:
            writer.write_table(held.combine_chunks(), ROW_GROUP)
