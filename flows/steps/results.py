"""The paper's result tables with our numbers beside them (`sql/published.csv`, `sql/results`)."""

import csv
import io
import json
from collections.abc import Sequence
from importlib import resources
from itertools import groupby
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from flows import datasets
from flows.steps.checks import sql
from flows.steps.lake import Lake
from flows.steps.release import read_release
from schemas import Release, Run
from schemas.tables import SCORES

Cell = dict[str, Any]

TITLES = {
    "table3": "Pengi against CLAP on the downstream tasks",
    "table4": "Captioning, trained on captions alone (A) and on all tasks (B)",
    "table5": "Audio question answering, ClothoAQA",
    "table6": "Text-to-audio retrieval on Clotho",
    "table7": "Audio captioning",
    "table8": "Zero-shot sound event classification",
    "table9": "Linear probe (L1) and shallow layers (L3) on the frozen audio encoder",
    "table11": "The input prompt",
    "table12": "CLAP zero-shot on ESC-50",
    "table13": "Frozen audio encoder",
    "table14": "No text encoder (Exp B)",
    "table15": "CLAP* trained on the same pairs",
    "ours": "Benchmarks that the paper does not have",
}
_PUBLISHED = pa.schema(
    {name: pa.string() for name in ("table", "row", "column", "metric")}
    | {"value": pa.float64()}
    | {name: pa.string() for name in ("unit", "status", "note")}
)
_HEAD = ("row", "column", "metric", "paper", "ours", "95 %", "chance", "n", "likelihood", "exact")
_ASIDE = ("remarks", "why not")


def published() -> pa.Table:
    """Every number the paper prints, in its order; a cross or dash has a null `value`."""
    text = resources.files("sql").joinpath("published.csv").read_bytes()
    types = {name: _PUBLISHED.field(name).type for name in _PUBLISHED.names}
    return pv.read_csv(
        pa.BufferReader(text),
        convert_options=pv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )


def results(lake: Lake, release_id: str = "HEAD") -> list[Cell]:
    """One object per cell of the paper's tables that is ours, of the runs made on a release.

    Keys: table, row, column, metric, paper, ours, ci_low, ci_high, n, n_official, run_id, reason
    (why ours is null), chance, benchmark, prompt, unit, note (a slip of the paper) and caution (of
    ours). Then what stands beside ours: likelihood and clip_space (the same metric read off by
    log-likelihood, or in CLIP's text space), shares of exact, valid and empty answers. Last where
    it is from: protocol, protocol_version, decoding, window, release_id, answers_sha256,
    labels_sha256. LakeError without a release.
    """
    release = read_release(lake, release_id)
    runs = chosen_runs(lake, release)
    with duckdb.connect() as con:
        con.register("published_table", _placed(published()))
        con.register("score_table", scores(lake, runs))
        con.register("run_table", _runs(runs))
        con.register("benchmark_table", _benchmarks())
        con.register("dataset_table", pa.table({"dataset": _names(release)}))
        con.register("skipped_table", _skipped(release))
        return con.sql(sql("results/cells")).to_arrow_table().to_pylist()


def chosen_runs(lake: Lake, release: Release) -> list[Run]:
    """One run of each name on the release: with scores before without, then the newest."""
    found = [
        Run.model_validate_json((lake.run(run_id) / "run.json").read_text())
        for run_id in lake.runs()
    ]
    mine = [run for run in found if run.release_id == release.release_id]
    mine.sort(key=lambda run: (_scored(lake, run), run.provenance.get("made", ""), run.run_id))
    return list({run.name: run for run in mine}.values())


def scores(lake: Lake, runs: Sequence[Run]) -> pa.Table:
    """SCORES of the runs; of a benchmark evaluated twice (other splits) the last evaluation."""
    tables = [SCORES.empty_table()]
    for run in runs:
        folder = lake.run(run.run_id) / "scores"
        paths = sorted(folder.glob("*.parquet"), key=lambda path: (path.stat().st_mtime, path))
        last = {(table := pq.read_table(path))["benchmark"][0].as_py(): table for path in paths}
        tables += [last[name] for name in sorted(last)]
    whole = pa.concat_tables(tables, promote_options="default")  # older ones have fewer columns
    return whole.select(SCORES.names)


def as_text(cells: Sequence[Cell]) -> str:
    """The tables for a terminal: our cells line by line, then the others gathered by reason."""
    blocks: list[str] = []
    filled = [cell for cell in cells if cell["ours"] is not None]
    for table, group in groupby(filled, key=lambda cell: cell["table"]):
        mine = list(group)
        lines = _aligned([_HEAD, *map(_line, mine)])
        remarks = [
            f"  {cell['row']}, {cell['column']}: {said}"
            for cell in mine
            if (said := shown(cell)["remarks"])
        ]
        blocks.append("\n".join([heading(table), *lines, *remarks]))
    missing = [f"  {why}: {', '.join(benchmarks)}" for why, benchmarks in reasons(cells).items()]
    count = f"{len(filled)} of {len(cells)} cells have a number of ours."
    return "\n\n".join([*blocks, "\n".join([count, *missing])])


def as_csv(cells: Sequence[Cell]) -> str:
    """The cells as CSV with a header line."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(cells[0]) if cells else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return out.getvalue()


def as_markdown(cells: Sequence[Cell]) -> str:
    """The cells as one Markdown table for each table of the paper."""
    blocks: list[str] = []
    for table, group in groupby(cells, key=lambda cell: cell["table"]):
        head = (*_HEAD, *_ASIDE)
        rows = [tuple(shown(cell).values()) for cell in group]
        lines = [f"| {' | '.join(line)} |" for line in [head, ("---",) * len(head), *rows]]
        blocks.append("\n".join([f"### {heading(table)}", "", *lines]))
    return "\n\n".join(blocks) + "\n"


def shown(cell: Cell) -> dict[str, str]:
    """A cell as it is printed: by column, numbers as text."""
    remarks = [f"paper: {cell['note']}" if cell["note"] else "", cell["caution"] or ""]
    aside = ("; ".join(filter(None, remarks)), cell["reason"] or "")
    return dict(zip((*_HEAD, *_ASIDE), (*_line(cell), *aside), strict=True))


def number(found: float | None, unit: str = "fraction") -> str:
    """A value as the paper prints it: four decimals, or one in percent."""
    return "" if found is None else f"{found:.1f} %" if unit == "percent" else f"{found:.4f}"


def counted(cell: Cell) -> str:
    """How many were scored, of how many in the published test set."""
    used, official = cell["n"], cell["n_official"]
    return (
        "" if used is None else f"{used}" if official in (None, used) else f"{used} of {official}"
    )


def reasons(cells: Sequence[Cell]) -> dict[str, list[str]]:
    """Why cells have no number of ours: reason -> the benchmarks it holds for."""
    gathered: dict[str, list[str]] = {}
    for cell in cells:
        if cell["ours"] is None:
            benchmarks = gathered.setdefault(cell["reason"], [])
            if cell["benchmark"] not in benchmarks:
                benchmarks.append(cell["benchmark"])
    return gathered


def heading(table: str) -> str:
    """ "Table 5: Audio question answering, ClothoAQA"."""
    name = f"Table {table.removeprefix('table')}" if table.startswith("table") else "Ours"
    return f"{name}: {TITLES.get(table, '')}"


def _line(cell: Cell) -> tuple[str, ...]:
    unit = cell["unit"]
    low, high = cell["ci_low"], cell["ci_high"]
    between = "" if low is None else f"{number(low, unit)} .. {number(high, unit)}"
    names = ("paper", "ours", "chance", "likelihood")
    paper, ours, chance, likely = (number(cell[name], unit) for name in names)
    said = (cell["row"], cell["column"], cell["metric"], paper, ours, between, chance)
    return *said, counted(cell), likely, number(cell["exact"])


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  "
        + "  ".join(field.ljust(width) for field, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _placed(cells: pa.Table) -> pa.Table:
    """The published cells with their place, under names that are no keywords of SQL."""
    renamed = {"table": "table_id", "row": "row_name", "column": "column_name"}
    named = cells.rename_columns([renamed.get(name, name) for name in cells.column_names])
    return named.append_column("place", pa.array(range(cells.num_rows), pa.int64()))


def _scored(lake: Lake, run: Run) -> bool:
    return any((lake.run(run.run_id) / "scores").glob("*.parquet"))


def _runs(runs: Sequence[Run]) -> pa.Table:
    return pa.table(
        {
            "run": pa.array([run.name for run in runs], pa.string()),
            "run_id": pa.array([run.run_id for run in runs], pa.string()),
        }
    )


def _names(release: Release) -> pa.Array:
    return pa.array([part.dataset for part in release.parts], pa.string())


def _skipped(release: Release) -> pa.Table:
    """Datasets that the plan left out, and why."""
    found: dict[str, str] = json.loads(release.provenance.get("skipped", "{}"))
    return pa.table(
        {
            "dataset": pa.array(list(found), pa.string()),
            "reason": pa.array(list(found.values()), pa.string()),
        }
    )


def _benchmarks() -> pa.Table:
    """Every benchmark that a dataset file declares, and its dataset."""
    declared = [b for name in datasets.names() for b in datasets.load(name).benchmarks]
    return pa.table(
        {
            "benchmark": [benchmark.name for benchmark in declared],
            "dataset": [benchmark.dataset for benchmark in declared],
            "metric": [benchmark.metric for benchmark in declared],
        }
    )
