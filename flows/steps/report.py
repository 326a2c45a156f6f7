"""The report of one release: a self-contained HTML page, and its tables as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import pyarrow.parquet as pq

from flows import datasets
from flows.steps.checks import sql
from flows.steps.figures import curve, end, strip
from flows.steps.lake import Lake, write_table, written
from flows.steps.release import ingested, read_release, summary
from flows.steps.results import (
    Cell,
    as_csv,
    as_markdown,
    chosen_runs,
    counted,
    heading,
    number,
    reasons,
    results,
    scores,
)
from schemas import Benchmark, Release, Run
from schemas.tables import ANSWERS, CLIPS, REJECTED

_Line = dict[str, Any]


def report(lake: Lake, release_id: str, folder: Path) -> Path:
    """Write report.html and the tables into `folder`; return the path of report.html.

    Beside it: results.{parquet,csv,md} (one line per cell) and scores.parquet (every metric). The
    same lake gives the same bytes. LakeError when there is no such release.
    """
    release = read_release(lake, release_id)
    cells = results(lake, release.release_id)
    runs = chosen_runs(lake, release)
    found = scores(lake, runs)
    write_table(folder / "results.parquet", pa.Table.from_pylist(cells))
    write_table(folder / "scores.parquet", found)
    _write(folder / "results.csv", as_csv(cells))
    _write(folder / "results.md", as_markdown(cells))
    page = _page(lake, release, runs, cells, found)
    return _write(folder / "report.html", page)


def _write(path: Path, text: str) -> Path:
    with written(path) as part:
        part.write_text(text)
    return path


def _page(
    lake: Lake, release: Release, runs: Sequence[Run], cells: list[Cell], found: pa.Table
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("flows"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = number
    environment.filters["counted"] = counted
    declared = _declared(release)
    return environment.get_template("report.html").render(
        release=release,
        summary=summary(release),
        above=_above_chance(found),
        sections=_sections(cells, declared),
        missing=reasons(cells),
        curves=[(run, drawn) for run in runs if (drawn := curve(_metrics(lake, run)))],
        parts=_parts(release),
        licences=_asked(lake, release, "licences"),
        rejected=_asked(lake, release, "rejected"),
        samples=_samples(lake, release, runs, found, declared),
        scores=found.to_pylist(),
        runs=runs,
    )


def _declared(release: Release) -> dict[str, Benchmark]:
    """The benchmarks of the release's datasets by name, as far as their files are in this house."""
    names = {part.dataset for part in release.parts} & set(datasets.names())
    return {b.name: b for name in sorted(names) for b in datasets.load(name).benchmarks}


def _above_chance(found: pa.Table) -> tuple[int, int]:
    """Headline numbers of run pengi whose interval lies above chance, of how many."""
    mine = [
        line
        for line in found.to_pylist()
        if line["headline"]
        and line["run"] == "pengi"
        and None not in (line["value"], line["chance"])
    ]
    return sum(line["ci_low"] > line["chance"] for line in mine), len(mine)


def _sections(cells: list[Cell], declared: dict[str, Benchmark]) -> list[_Line]:
    """The tables that have a number of ours, each benchmark's cells side by side."""
    tables: dict[str, list[Cell]] = {}
    for cell in cells:
        tables.setdefault(cell["table"], []).append(cell)
    sections: list[_Line] = []
    for table, whole in tables.items():
        filled = [cell for cell in whole if cell["ours"] is not None]
        order = list(dict.fromkeys(cell["benchmark"] for cell in whole))
        filled.sort(key=lambda cell: order.index(cell["benchmark"]))
        if filled:
            sections.append(
                {
                    "heading": heading(table),
                    "open": not any((cell["reason"] or "").startswith("run ") for cell in whole),
                    "lines": [_cell(cell, declared) for cell in filled],
                }
            )
    return sections


def _cell(cell: Cell, declared: dict[str, Benchmark]) -> _Line:
    benchmark = declared.get(cell["benchmark"])
    both = None not in (cell["ours"], cell["paper"])
    return {
        **cell,
        "title": benchmark.title if benchmark else cell["benchmark"],
        "strip": strip(cell),
        "end": end(cell),
        "difference": cell["ours"] - cell["paper"] if both else None,
        "comparable": cell["n_official"] == cell["n"],
        "within": both and cell["ci_low"] <= cell["paper"] <= cell["ci_high"],
    }


def _metrics(lake: Lake, run: Run) -> Path:
    return lake.run(run.run_id) / "metrics.jsonl"


def _parts(release: Release) -> list[_Line]:
    known = set(datasets.names())
    return [
        {
            **part.model_dump(),
            "licence": datasets.load(part.dataset).dataset.licence if part.dataset in known else "",
            "hours": part.seconds_in_release / 3600,
        }
        for part in release.parts
    ]


def _asked(lake: Lake, release: Release, question: str) -> list[_Line]:
    """Lines of `sql/results/<question>.sql` over the clips and rejections of the release."""
    versions = ingested(lake, release).values()
    schema = pa.schema([CLIPS.field(name) for name in ("dataset", "licence", "seconds")])
    clips = [pq.read_table(lake.clips(v.dataset, v.audio), columns=schema.names) for v in versions]
    rejected = [
        pq.read_table(lake.rejected(v.dataset, stop, version))
        for v in versions
        for stop, version in (("rows", v.rows), ("audio", v.audio), ("pairs", v.pairs))
    ]
    with duckdb.connect() as con:
        con.register("clip_table", pa.concat_tables([schema.empty_table(), *clips]))
        con.register("rejected_table", pa.concat_tables([REJECTED.empty_table(), *rejected]))
        return con.sql(sql(f"results/{question}")).to_arrow_table().to_pylist()


def _samples(
    lake: Lake,
    release: Release,
    runs: Sequence[Run],
    found: pa.Table,
    declared: dict[str, Benchmark],
) -> dict[str, list[_Line]]:
    """Benchmark title -> a few answers with the reference of the row they were given for."""
    answers = [
        pq.read_table(path)
        for run in runs
        for path in sorted((lake.run(run.run_id) / "answers").glob("*.parquet"))
    ]
    with duckdb.connect() as con:
        con.register("answer_table", pa.concat_tables([ANSWERS.empty_table(), *answers]))
        con.register("score_table", found)
        lines = con.sql(sql("results/samples")).to_arrow_table().to_pylist()
    if not lines:
        return {}
    wanted = [("row_id", "in", [line["row_id"] for line in lines])]
    rows = {
        (v.dataset, row["row_id"]): row
        for v in ingested(lake, release).values()
        for row in pq.read_table(lake.rows(v.dataset, v.rows), filters=wanted).to_pylist()
    }
    samples: dict[str, list[_Line]] = {}
    for line in lines:
        benchmark = declared.get(line["benchmark"])
        row = rows.get((benchmark.dataset, line["row_id"])) if benchmark else None
        if benchmark and row:
            truth = row[benchmark.truth]
            line["truth"] = ", ".join(truth) if isinstance(truth, list) else str(truth)
            samples.setdefault(benchmark.title, []).append(line)
    return samples
