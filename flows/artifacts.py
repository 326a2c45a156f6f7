"""The result tables as Prefect artifacts: one for each table of the paper, under its own key."""

from itertools import groupby

from prefect.artifacts import create_table_artifact

from flows.steps.lake import Lake
from flows.steps.results import heading, results, shown


def show_results(lake: Lake, release_id: str) -> list[str]:
    """Keep every table that a release's runs fill in part: "table-3"; the keys."""
    keys: list[str] = []
    for table, cells in groupby(results(lake, release_id), key=lambda cell: cell["table"]):
        lines = [shown(cell) for cell in cells]
        if any(line["ours"] for line in lines):
            key = table.replace("table", "table-").replace("ours", "our-benchmarks")
            create_table_artifact(lines, key=key, description=heading(table))
            keys.append(key)
    return keys
