"""Which steps read a pair, and which pairs a step read: out of order.json and steps.jsonl.

order.json states the plan (ranges of steps with a batch each), steps.jsonl the planned steps whose
effect is in the weights, range by range across resumes; a step in neither did not happen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pengi_model import order
from pengi_model.order import Integers


class StepsError(Exception):
    """A step that the plan does not have."""


@dataclass(frozen=True)
class Read:
    """One reading of a pair."""

    step: int
    epoch: int
    position: int


@dataclass(frozen=True)
class Plan:
    """A training's order: `order` is order.json, `ran` the lines of steps.jsonl."""

    order: dict[str, Any]
    ran: Sequence[dict[str, int]]

    @property
    def pairs(self) -> int:
        """Positions of one epoch."""
        return self.order["pairs"]

    def happened(self, steps: Integers) -> np.ndarray:
        """Whether each step ran."""
        ranges = np.array([(line["first"], line["stop"]) for line in self.ran], np.int64)
        starts, stops = ranges.reshape(-1, 2).T  # ascending, and they do not meet
        place = np.searchsorted(starts, steps, "right") - 1
        return (place >= 0) & (steps < np.append(stops, 0)[place])

    def ran_at(self, step: int) -> bool:
        """Whether one step ran."""
        return bool(self.happened(np.array([step]))[0])

    def of_positions(self, positions: Integers) -> list[Read]:
        """Every reading of these positions by a step that ran, in the order of steps."""
        found: list[tuple[int, int, int]] = []
        for line in self.order["plan"]:
            first, count = line["first_sample"], (line["stop"] - line["first"]) * line["batch"]
            if count <= 0:
                continue
            for epoch in range(first // self.pairs, (first + count - 1) // self.pairs + 1):
                places = order.indices(self.pairs, self.order["seed"], epoch, positions)
                sample = places + epoch * self.pairs - first
                inside = (sample >= 0) & (sample < count)
                steps = line["first"] + sample[inside] // line["batch"]
                where = positions[inside].tolist()
                found += [(step, epoch, at) for step, at in zip(steps.tolist(), where, strict=True)]
        ran = self.happened(np.array([step for step, _, _ in found], np.int64))
        kept = [Read(*values) for values, here in zip(found, ran, strict=True) if here]
        return sorted(kept, key=lambda read: (read.step, read.epoch, read.position))

    def of_step(self, step: int) -> Integers:
        """Positions that a step reads, in its batch's order; StepsError if none is planned so."""
        for line in self.order["plan"]:
            if line["first"] <= step < line["stop"]:
                start = line["first_sample"] + (step - line["first"]) * line["batch"]
                return order.samples(self.pairs, self.order["seed"], start, line["batch"])
        last = max((line["stop"] for line in self.order["plan"]), default=0) - 1
        raise StepsError(f"step {step}: expected a planned step, 0 to {last}.")
