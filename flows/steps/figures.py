"""Places of marks in the report's drawings: dot strips of result cells and curves of training."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from flows.steps.results import Cell

_MARKS = ("paper", "ours", "ci_low", "ci_high", "chance")


class Curve(NamedTuple):
    """A training's loss over its steps in a box of 100 by 100, y down from the highest loss."""

    points: str  # of an SVG polyline
    steps: int
    first: float
    last: float
    top: float
    bottom: float


def end(cell: Cell) -> float:
    """The end of a cell's axis: 1 (or 100 %), a higher whole number where CIDEr-D needs it."""
    whole = 100.0 if cell["unit"] == "percent" else 1.0
    highest = max(cell[mark] or 0.0 for mark in _MARKS)
    return whole * max(1, math.ceil(highest / whole))


def strip(cell: Cell) -> dict[str, str | None]:
    """Marks of one cell in percent of the width of its axis."""
    return {
        mark: None if cell[mark] is None else f"{100 * cell[mark] / end(cell):.2f}%"
        for mark in _MARKS
    }


def curve(metrics: Path) -> Curve | None:
    """The loss curve of a run's metrics.jsonl, or None where there is none yet."""
    if not metrics.is_file():
        return None
    lines: list[dict[str, Any]] = [json.loads(text) for text in metrics.read_text().splitlines()]
    points = [(int(line["step"]), float(line["loss"])) for line in lines if "loss" in line]
    if not points:
        return None
    steps = max(step for step, _ in points)
    bottom, top = min(loss for _, loss in points), max(loss for _, loss in points)
    height = (top - bottom) or 1.0
    drawn = " ".join(
        f"{100 * step / steps:.2f},{100 * (top - loss) / height:.2f}" for step, loss in points
    )
    return Curve(drawn, steps, points[0][1], points[-1][1], top, bottom)
