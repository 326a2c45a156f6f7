"""What a training tells while it runs: the step log, its metrics and a few answers.

steps.jsonl: ranges of planned steps whose effect is in a checkpoint. metrics.jsonl: one line a
report; metrics.parquet: the same in long form (step, name, value), made at every checkpoint.
"""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

STEPS = "steps.jsonl"
METRICS = "metrics.jsonl"
ANSWERS = "samples.jsonl"
TABLE = "metrics.parquet"
_SCHEMA = pa.schema({"step": pa.int64(), "name": pa.string(), "value": pa.float64()})


class Progress:
    """The logs of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recorded = 0

    def report(self, line: dict[str, Any]) -> None:
        """Metrics of one step."""
        _append(self.folder / METRICS, line)

    def answers(self, step: int, answers: list[dict[str, Any]]) -> None:
        """What the model says at a step."""
        for answer in answers:
            _append(self.folder / ANSWERS, {"step": step, **answer})

    def ran(self, step: int) -> None:
        """Note that the effect of all steps before this one is in a checkpoint."""
        if step > self.recorded:
            _append(self.folder / STEPS, {"first": self.recorded, "stop": step})
            self.recorded = step
        self.table()

    def clear(self) -> None:
        """Forget a training that left no checkpoint."""
        for name in (STEPS, METRICS, ANSWERS, TABLE):
            (self.folder / name).unlink(missing_ok=True)

    def resume(self, step: int) -> None:
        """Drop what was told of steps that are lost; the checkpoint holds those before `step`."""
        ran = read_lines(self.folder / STEPS)
        _rewrite(self.folder / STEPS, ran)
        self.recorded = ran[-1]["stop"] if ran else 0
        for name in (METRICS, ANSWERS):
            lines = [line for line in read_lines(self.folder / name) if line["step"] <= step]
            if lines:
                _rewrite(self.folder / name, lines)
        self.ran(step)

    def table(self) -> None:
        """Write metrics.parquet anew."""
        long = [
            {"step": line["step"], "name": name, "value": float(value)}
            for line in read_lines(self.folder / METRICS)
            for name, value in line.items()
            if name not in ("step", "steps")
        ]
        part = self.folder / f"{TABLE}.tmp"
        pq.write_table(pa.Table.from_pylist(long, schema=_SCHEMA), part)
        part.replace(self.folder / TABLE)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file; a last line cut by a kill is left out, a missing file has none."""
    if not path.exists():
        return []
    return [
        json.loads(line) for line in path.read_text().splitlines(keepends=True) if line[-1] == "\n"
    ]


def _append(path: Path, line: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _rewrite(path: Path, lines: list[dict[str, Any]]) -> None:
    part = path.with_suffix(".tmp")
    part.write_text("".join(json.dumps(line) + "\n" for line in lines))
    part.replace(path)
