"""The report of one release: a self-contained HTML page, and its tables as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa

from flows import datasets
from flows.steps import confusion, inputs, sections
from flows.steps.figures import logged, shades, training
from flows.steps.lake import Lake, write_table, written
from flows.steps.release import ingested, read_release, summary
from flows.steps.results import (
    Cell,
    as_csv,
    as_markdown,
    chosen_runs,
    counted,
    number,
    reasons,
    results,
    scores,
)
from flows.steps.samples import LIMIT, Player, examples, samples
from schemas import Benchmark, Release, Run

_Page = dict[str, Any]


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
    declared = _declared(release)
    page = {
        **_results(lake, release, runs, cells, found, declared),
        **_training(lake, runs),
        **_input(lake, release),
        **_answers(lake, release, runs, found, declared),
    }
    return _write(folder / "report.html", _rendered(page))


def _write(path: Path, text: str) -> Path:
    with written(path) as part:
        part.write_text(text)
    return path


def _rendered(page: _Page) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("flows"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = number
    environment.filters["counted"] = counted
    return environment.get_template("report.html").render(page, shades=shades)


def _declared(release: Release) -> dict[str, Benchmark]:
    """The benchmarks of the release's datasets by name, as far as their files are in this house."""
    names = {part.dataset for part in release.parts} & set(datasets.names())
    return {b.name: b for name in sorted(names) for b in datasets.load(name).benchmarks}


def _results(
    lake: Lake,
    release: Release,
    runs: Sequence[Run],
    cells: list[Cell],
    found: pa.Table,
    declared: dict[str, Benchmark],
) -> _Page:
    lines = found.to_pylist()
    sources = sections.Sources(lake, runs, lines)
    missing = reasons(cells)
    empty = {why: sum(cell["reason"] == why for cell in cells) for why in missing}
    return {
        "release": release,
        "runs": runs,
        "scores": lines,
        "cells": len(cells),
        "filled": sum(cell["ours"] is not None for cell in cells),
        "missing": [(why, empty[why], names) for why, names in missing.items()],
        "sections": sections.sections(cells, declared, sources, list(missing)),
        "sources": sources.used,
        "errors": sections.errors(lines),
        "provenance": sections.provenance(release, runs),
    }


def _training(lake: Lake, runs: Sequence[Run]) -> _Page:
    drawn = [(run, training(logged(lake.run(run.run_id)))) for run in runs]
    return {"curves": [(run, curves) for run, curves in drawn if curves]}


def _input(lake: Lake, release: Release) -> _Page:
    return {
        "summary": summary(release),
        "parts": inputs.parts(release),
        "templates": inputs.templates(release),
        "licences": inputs.counted(lake, release, "licences"),
        "rejected": inputs.counted(lake, release, "rejected"),
        "skipped": inputs.skipped(release),
        "leaks": inputs.leaks(lake, release),
    }


def _answers(
    lake: Lake,
    release: Release,
    runs: Sequence[Run],
    found: pa.Table,
    declared: dict[str, Benchmark],
) -> _Page:
    versions = ingested(lake, release)
    lines = found.to_pylist()
    run = sections.headline_run(runs, lines)
    player = Player(lake, versions)
    page: _Page = {"shown": run, "matrices": [], "samples": [], "examples": []}
    page["above"] = (0, 0)
    if run:
        page["above"] = sections.above_chance(found, run.name)
        page["matrices"] = confusion.matrices(lake, run, lines, declared, versions)
        page["samples"] = samples(lake, run, found, declared, player)
        page["examples"] = examples(lake, run, player)
    return page | {"carried": player.bytes, "silent": player.silent, "limit": LIMIT}
