"""In = out + rejected: what every stop owes. A check is an SQL file that returns bad lines."""

from importlib import resources

import duckdb
import pyarrow as pa


class ReconcileError(Exception):
    """Counts of a stop do not add up: something was lost or invented. Nothing was written."""


def sql(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return resources.files("sql").joinpath(f"{name}.sql").read_text()


def check(name: str, **tables: pa.Table) -> None:
    """Run `sql/checks/<name>.sql` over `tables`; any line it returns is an error."""
    with duckdb.connect() as con:
        for table, value in tables.items():
            con.register(table, value)
        cursor = con.execute(sql(f"checks/{name}"))
        columns = [column[0] for column in cursor.description or ()]
        found = cursor.fetchall()
    if found:
        lines = "; ".join(
            ", ".join(f"{column} {value}" for column, value in zip(columns, line, strict=True))
            for line in found[:5]
        )
        raise ReconcileError(f"check {name}: {len(found)} offending line(s): {lines}")
