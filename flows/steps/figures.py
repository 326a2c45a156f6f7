"""Places of marks in the report's drawings: dots on an axis, bars around zero, training curves."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from flows.steps.results import Cell

_MARKS = ("paper", "ours", "ci_low", "ci_high", "chance")
_POINTS = 400  # of a curve; more than its width in pixels shows nothing
_Series = list[tuple[int, float]]


class Curve(NamedTuple):
    """One metric over a training's steps in a box of 100 by 100, y down from the highest value."""

    points: str  # of an SVG polyline
    steps: int
    first: float
    last: float
    top: float
    bottom: float
    more: tuple[tuple[str, str], ...] = ()  # (name, points) in the same box


def whole(cell: Cell) -> float:
    """What a perfect score is: 1, or 100 %."""
    return 100.0 if cell["unit"] == "percent" else 1.0


def end(cells: Iterable[Cell]) -> float:
    """The end of the cells' axis: 1 (or 100 %), a higher whole number where CIDEr-D needs it."""
    return max(
        whole(cell) * max(1, math.ceil(max(_mark(cell, m) or 0.0 for m in _MARKS) / whole(cell)))
        for cell in cells
    )


def strip(cell: Cell, stop: float) -> dict[str, str | None]:
    """Marks of one cell in percent of the width of an axis from 0 to `stop`."""
    values = {mark: _mark(cell, mark) for mark in _MARKS}
    return {m: None if v is None else f"{100 * v / stop:.2f}%" for m, v in values.items()}


def _mark(cell: Cell, mark: str) -> float | None:
    """What can be drawn: a score that is no number (NaN) stands in the table, not on the axis."""
    value = cell[mark]
    return value if value is not None and math.isfinite(value) else None


def bar(difference: float, full: float) -> tuple[str, str]:
    """Start and width in percent of a bar around zero at 50 %, cut off at `full` to each side."""
    share = 50 * min(abs(difference) / full, 1.0)
    return f"{50 - share if difference < 0 else 50:.2f}%", f"{share:.2f}%"


def logged(folder: Path) -> dict[str, _Series]:
    """Metric -> (step, value) of a run's folder: metrics.parquet, or metrics.jsonl without it."""
    series: dict[str, dict[int, float]] = {}
    for step, name, value in _logged(folder):
        if value is not None and math.isfinite(value):
            series.setdefault(name, {})[step] = float(value)
    return {name: sorted(series[name].items()) for name in sorted(series)}


def _logged(folder: Path) -> Iterable[tuple[int, str, float | None]]:
    if (table := folder / "metrics.parquet").is_file():
        for line in pq.read_table(table, columns=["step", "name", "value"]).to_pylist():
            yield line["step"], line["name"], line["value"]
    elif (log := folder / "metrics.jsonl").is_file():
        for text in log.read_text().splitlines():
            line: dict[str, Any] = json.loads(text)
            step = line.pop("step", None)
            numbers = {k: v for k, v in line.items() if isinstance(v, int | float)}
            if isinstance(step, int):
                yield from ((step, name, v) for name, v in numbers.items() if name != "steps")


def curve(points: _Series, more: dict[str, _Series] | None = None) -> Curve:
    """The polyline of one metric, and of others that share its box."""
    others = more or {}
    every = [*points, *(point for series in others.values() for point in series)]
    steps = max(step for step, _ in every) or 1
    bottom, top = min(value for _, value in every), max(value for _, value in every)
    box = (steps, bottom, (top - bottom) or 1.0, top)
    drawn = tuple((name, _polyline(series, box)) for name, series in others.items())
    return Curve(_polyline(points, box), steps, points[0][1], points[-1][1], top, bottom, drawn)


def _polyline(points: _Series, box: tuple[float, float, float, float]) -> str:
    steps, _, height, top = box
    kept = points[:: math.ceil(len(points) / _POINTS)]
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return " ".join(
        f"{100 * step / steps:.2f},{100 * (top - value) / height:.2f}" for step, value in kept
    )


def training(series: dict[str, _Series]) -> dict[str, Any] | None:
    """A run's curves: `loss` (validation in its box), `templates`, and `others`; None without."""
    if not (loss := series.get("loss")):
        return None
    validation = {name: v for name, v in series.items() if "valid" in name and "loss" in name}
    kinds = {name: v for name, v in series.items() if _template(name) and name not in validation}
    rest = [name for name in series if name not in {"loss", *validation, *kinds}]
    return {
        "loss": curve(loss, dict(list(validation.items())[:1])),
        "templates": [(_template(name), curve(v)) for name, v in kinds.items()],
        "others": [(name, curve(series[name])) for name in rest],
    }


def _template(name: str) -> str:
    """The template that a metric such as "loss/audio_qa" is of, "" where it is of none."""
    _, _, kind = name.partition("/")
    return kind.replace("_", " ") if name.startswith("loss") else ""


def shades(counts: Sequence[Sequence[int]]) -> list[list[float]]:
    """Each count as a share of its row, for the shade of a confusion matrix's cell."""
    return [[count / (sum(row) or 1) for count in row] for row in counts]
