"""In = out + rejected: what every stop owes. A check is an SQL file that returns bad lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa


class ReconcileError(Exception):
    """Counts of a stop do not add up: something was lost or invented. Nothing was written."""


def sql(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return resources.files("sql").joinpath(f"{name}.sql").read_text()


@contextmanager
def over(**tables: pa.Table | Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that knows `tables` by name; a path is a Parquet file, read as far as it is asked.

    What does not fit into memory is spilled beside the first file.
    """
    beside = next((table.parent for table in tables.values() if isinstance(table, Path)), None)
    with TemporaryDirectory(prefix=".spill-", dir=beside) as spill, duckdb.connect() as con:
        con.execute("set temp_directory = $1", [spill])
        for name, table in tables.items():
            if isinstance(table, Path):
                con.read_parquet(str(table)).create_view(name)
            else:
                con.register(name, table)
        yield con


def check(name: str, **tables: pa.Table | Path) -> None:
    """Run `sql/checks/<name>.sql` over `tables`; any line it returns is an error."""
    with over(**tables) as con:
        cursor = con.execute(sql(f"checks/{name}"))
        columns = [column[0] for column in cursor.description or ()]
        found = cursor.fetchall()
    if found:
        lines = "; ".join(
            ", ".join(f"{column} {value}" for column, value in zip(columns, line, strict=True))
            for line in found[:5]
        )
        raise ReconcileError(f"check {name}: {len(found)} offending line(s): {lines}")
