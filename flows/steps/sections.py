"""The paper's tables as the report draws them: lines, marks, and where each number is from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from flows.steps.figures import bar, end, strip, whole
from flows.steps.lake import Lake
from flows.steps.results import Cell, heading, number, published
from schemas import Benchmark, Release, Run

_Line = dict[str, Any]
_PLACES = {  # of what a score row says, in the order of reading; what else it has follows
    "run": "run",
    "run_id": "run id",
    "release_id": "release",
    "benchmark": "benchmark",
    "metric": "metric",
    "prompt": "prompt",
    "protocol": "protocol",
    "protocol_version": "protocol version",
    "decoding": "decoding",
    "window": "window",
    "n": "scored",
    "n_official": "of the published",
    "hits": "right",
    "chance": "chance",
    "answers_file": "answers",
    "answers_sha256": "answers sha256",
    "labels_sha256": "label texts sha256",
}
_SAID = ("headline", "value", "ci_low", "ci_high", "reason")
_BESIDE = {  # what a cell says beside its number, as its card spells it
    "clip_space": "in CLIP's text space",
    "exact": "answers that are the true label",
    "valid": "answers that are some label",
    "empty": "empty answers",
}
_WRONG = "error/"
_SHAPES = 8  # that templates/marks.html draws
_EXPERIMENTS = {"A": "A: captions alone", "B": "B: all tasks"}


class Sources:
    """The score rows behind cells, each under an id of its own, with the file of its answers."""

    def __init__(self, lake: Lake, runs: Iterable[Run], scores: Sequence[_Line]) -> None:
        self.rows: dict[tuple[Any, ...], list[_Line]] = {}
        for row in scores:
            self.rows.setdefault((row["run_id"], row["benchmark"], row["metric"]), []).append(row)
        self.files = {
            (run.run_id, path.stem.rpartition("-")[0]): lake.relative(path)
            for run in runs
            for path in sorted((lake.run(run.run_id) / "answers").glob("*.parquet"))
        }
        self.used: dict[str, _Line] = {}
        self._ids: dict[int, str] = {}

    def of(self, cell: Cell) -> str | None:
        """The id of the score row that stands in `cell`."""
        for row in self.rows.get((cell["run_id"], cell["benchmark"], cell["metric"]), []):
            named = row["protocol"] == cell.get("protocol", row["protocol"])
            if named and row["prompt"] == cell["prompt"] and _same(row, cell):
                return self.id(row, cell)
        return None

    def likelihood(self, cell: Cell) -> tuple[float, str] | None:
        """(value, id) of the same answer read off by log-likelihood, where that was scored."""
        rows = [
            row
            for row in self.rows.get((cell["run_id"], cell["benchmark"], cell["metric"]), [])
            if row["protocol"] == "likelihood" and row["value"] is not None
            if row["prompt"] == cell["prompt"] or (row["headline"] and cell["table"] != "table11")
        ]
        rows.sort(key=lambda row: row["prompt"] != cell["prompt"])
        return (whole(cell) * rows[0]["value"], self.id(rows[0], cell)) if rows else None

    def id(self, row: _Line, cell: Cell) -> str:
        """The id of a score row; the first use of it makes its card."""
        key = id(row)
        if key not in self._ids:
            self._ids[key] = f"source-{len(self._ids) + 1}"
            self.used[self._ids[key]] = self._card(row, cell)
        return self._ids[key]

    def _card(self, row: _Line, cell: Cell) -> _Line:
        scale, unit = whole(cell), cell["unit"]
        row = row | {"answers_file": self.files.get((row["run_id"], row["benchmark"]))}
        names = [name for name in _PLACES if name in row]
        names += [name for name in row if name not in (*_PLACES, *_SAID)]
        facts = [(_PLACES.get(name, name.replace("_", " ")), row[name]) for name in names]
        if row["protocol"] == "generate":
            facts += [(said, cell.get(name)) for name, said in _BESIDE.items()]
        low, high = (None if row[k] is None else scale * row[k] for k in ("ci_low", "ci_high"))
        return {
            "title": f"{row['benchmark']}, {row['metric']}: {number(scale * row['value'], unit)}",
            "between": f"{number(low, unit)} to {number(high, unit)}" if low is not None else "",
            "facts": [(name, _shown(value)) for name, value in facts if value not in (None, "")],
        }


def _same(row: _Line, cell: Cell) -> bool:
    return row["value"] is not None and abs(whole(cell) * row["value"] - cell["ours"]) < 1e-9


def _shown(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def sections(
    cells: Sequence[Cell], declared: Mapping[str, Benchmark], sources: Sources, why: Sequence[str]
) -> list[_Line]:
    """One section per table: its groups of lines (all cells of one benchmark or metric)."""
    tables: dict[str, list[Cell]] = {}
    for cell in cells:
        tables.setdefault(cell["table"], []).append(cell)
    return [_section(table, mine, declared, sources, why) for table, mine in tables.items()]


def _section(
    table: str,
    cells: list[Cell],
    declared: Mapping[str, Benchmark],
    sources: Sources,
    why: Sequence[str],
) -> _Line:
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(_group(cell, declared), []).append(cell)
    series = list(dict.fromkeys(_series(cell) for cell in cells))
    full = _full(cells)
    drawn = [_lines(key, mine, series, full, sources, why) for key, mine in groups.items()]
    return {
        "id": table,
        "heading": heading(table),
        "series": series,
        "groups": drawn,
        "full": full,
        "filled": sum(cell["ours"] is not None for cell in cells),
        "cells": len(cells),
        "likelihood": any(line["likelihood"] for group in drawn for line in group["lines"]),
        "others": _others(table, cells),
    }


def _lines(
    key: tuple[str, str],
    cells: list[Cell],
    series: list[str],
    full: float,
    sources: Sources,
    why: Sequence[str],
) -> _Line:
    stop = end(cells)
    return {
        "name": key[0],
        "what": key[1],
        "end": stop,
        "unit": cells[0]["unit"],
        "lines": [_line(cell, stop, series, full, sources, why) for cell in cells],
    }


def _line(
    cell: Cell, stop: float, series: list[str], full: float, sources: Sources, why: Sequence[str]
) -> _Line:
    ours, paper, low = cell["ours"], cell["paper"], cell["ci_low"]
    difference = None if None in (ours, paper) else ours - paper
    return {
        **cell,
        "caution": cell.get("caution"),
        "series": _series(cell),
        "shape": series.index(_series(cell)) % _SHAPES,
        "strip": strip(cell, stop),
        "difference": difference,
        "bar": None if difference is None else bar(difference, full),
        "comparable": cell["n_official"] == cell["n"],
        "within": None not in (low, paper) and low <= paper <= cell["ci_high"],
        "source": sources.of(cell) if ours is not None else None,
        "likelihood": sources.likelihood(cell) if ours is not None else None,
        "why": why.index(cell["reason"]) + 1 if cell["reason"] in why else None,
    }


def _full(cells: Sequence[Cell]) -> float:
    """The difference that a table's longest bars stand for: the next quarter of a perfect score."""
    both = [c for c in cells if c["ours"] is not None and c["paper"] is not None]
    most = max((abs(cell["ours"] - cell["paper"]) / whole(cell) for cell in both), default=0.0)
    return whole(cells[0]) * next((part for part in (0.25, 0.5, 0.75) if most <= part), 1.0)


def _group(cell: Cell, declared: Mapping[str, Benchmark]) -> tuple[str, str]:
    """What a cell's line is gathered under: (name, what it is)."""
    benchmark = declared.get(cell["benchmark"])
    name, _, what = (benchmark.title if benchmark else cell["benchmark"]).partition(", ")
    if cell["table"] in ("table4", "table6", "table7"):
        return f"{name}, {cell['metric']}", what
    return name, what


def _series(cell: Cell) -> str:
    """What tells the lines of one group apart: the model, the prompt or the experiment."""
    if cell["table"] == "table11":
        return str(cell["column"]).replace("_", " ")
    if cell["table"] == "table4":
        letter = str(cell["row"])[:1]
        return _EXPERIMENTS.get(letter, letter)
    return str(cell["row"]).rpartition(": ")[2]


def _others(table: str, cells: Sequence[Cell]) -> _Line:
    """Rows of the paper's table that are not ours to compute: columns, and rows of numbers."""
    mine = {cell["row"] for cell in cells}
    found = [
        line
        for line in published().to_pylist()
        if line["table"] == table and line["row"] not in mine and line["value"] is not None
    ]
    columns = list(dict.fromkeys((line["column"], line["metric"]) for line in found))
    rows: dict[str, dict[tuple[str, str], str]] = {}
    for line in found:
        place = (line["column"], line["metric"])
        rows.setdefault(line["row"], {})[place] = number(line["value"], line["unit"])
    return {
        "columns": [_column(*column) for column in columns],
        "rows": [(row, [line.get(column, "") for column in columns]) for row, line in rows.items()],
    }


def _column(column: str, metric: str) -> str:
    spelled = column.replace("_", "").replace("at", "@").lower()
    return metric if spelled == metric.replace("-", "").lower() else f"{column} {metric}"


def above_chance(scores: pa.Table, run: str) -> tuple[int, int]:
    """Headline numbers of a run whose interval lies above chance, of how many."""
    mine = [
        line
        for line in scores.to_pylist()
        if line["headline"] and line["run"] == run and line["protocol"] == "generate"
        if None not in (line["value"], line["chance"], line["ci_low"])
    ]
    return sum(line["ci_low"] > line["chance"] for line in mine), len(mine)


def headline_run(runs: Sequence[Run], scores: Sequence[_Line]) -> Run | None:
    """The run whose answers are shown: pengi, else the first that generated any."""
    answered = {line["run_id"] for line in scores if line["protocol"] == "generate"}
    mine = [run for run in runs if run.run_id in answered]
    return min(mine, key=lambda run: (run.name != "pengi", runs.index(run)), default=None)


def errors(scores: Sequence[_Line]) -> list[_Line]:
    """Kinds of wrong answers ("error/…" metrics): one line per run, benchmark and prompt."""
    gathered: dict[tuple[str, str, str], dict[str, float]] = {}
    for line in scores:
        kind = line["metric"].removeprefix(_WRONG)
        if kind != line["metric"] and line["value"] is not None:
            key = (line["run"], line["benchmark"], line["prompt"])
            gathered.setdefault(key, {})[kind.replace("_", " ")] = line["value"]
    return [
        {"run": run, "benchmark": benchmark, "prompt": prompt, "kinds": kinds}
        for (run, benchmark, prompt), kinds in gathered.items()
    ]


def provenance(release: Release, runs: Sequence[Run]) -> list[tuple[str, str]]:
    """What the page as a whole is made from."""
    made = sorted((k, v) for k, v in release.provenance.items() if k != "skipped")
    facts = [
        ("release", release.release_id),
        ("sha256 of its pair ids", release.pairs_sha256),
        ("leakage filter", release.leakage),
        *((name.replace("_", " "), value) for name, value in made),
    ]
    for run in runs:
        parents = "".join(f", from {name} {id}" for name, id in sorted(run.parents.items()))
        facts.append((f"run {run.name}", f"{run.run_id}, code {run.code_sha256[:16]}{parents}"))
    return facts
