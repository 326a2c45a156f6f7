"""What is scored: items of a benchmark asked with one prompt, and the measures made of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flows.steps.matching import ScoreError, Space, cleaned
from flows.steps.metrics import Bools, Floats, Ints, Statistic, mean
from schemas import Benchmark


@dataclass(frozen=True)
class Item:
    """One scored thing: a row with the answer that was given for it."""

    clip_id: str
    row: dict[str, Any]
    answer: str
    candidates: tuple[float, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A benchmark asked with one prompt under one protocol."""

    benchmark: Benchmark
    protocol: str
    items: list[Item]
    spaces: dict[str, Space]

    @property
    def labels(self) -> list[str]:
        """Texts of the labels; ScoreError where the benchmark declares none."""
        if not self.benchmark.labels:
            raise ScoreError(
                f"benchmark {self.benchmark.name}: scoring {self.benchmark.scoring!r} needs "
                "labels, found none. Declare them in its dataset file."
            )
        return list(self.benchmark.labels.values())

    @property
    def ranked(self) -> bool:
        """Whether an answer is a score for every label, and no text."""
        return self.protocol != "generate"

    @property
    def clips(self) -> list[str]:
        return [item.clip_id for item in self.items]

    @property
    def outputs(self) -> list[str]:
        return [cleaned(item.answer) for item in self.items]

    def text_spaces(self) -> list[tuple[str, Space]]:
        """(suffix of the metric, space): Pengi's own text space is the headline, CLIP's next."""
        if "pengi" not in self.spaces:
            raise ScoreError(
                f"benchmark {self.benchmark.name}: text matching needs vectors in space 'pengi', "
                f"found {sorted(self.spaces) or 'none'}. Embed what texts_needed() lists."
            )
        named = (("", "pengi"), ("_clip_space", "clip"))
        return [(suffix, self.spaces[name]) for suffix, name in named if name in self.spaces]

    def truths(self, item: Item) -> tuple[str, ...]:
        """The reference of one item as label names."""
        found = item.row[self.benchmark.truth]
        if found is None:
            raise ScoreError(
                f"benchmark {self.benchmark.name}: row {item.row['row_id']} has no "
                f"{self.benchmark.truth}, the field that holds its truth."
            )
        return tuple(found) if isinstance(found, list) else (str(found),)

    def truth_matrix(self) -> Bools:
        """(items, labels)."""
        place = {label: i for i, label in enumerate(self.benchmark.labels)}
        truth = np.zeros((len(self.items), len(place)), dtype=bool)
        for i, item in enumerate(self.items):
            for label in self.truths(item):
                if label not in place:
                    raise ScoreError(
                        f"benchmark {self.benchmark.name}: row {item.row['row_id']} has the truth "
                        f"{label!r}, which is none of its {len(place)} labels."
                    )
                truth[i, place[label]] = True
        return truth

    def truth_ids(self) -> Ints:
        """The one label of every item, as its place: (items,)."""
        truth = self.truth_matrix()
        if (several := np.flatnonzero(truth.sum(axis=1) != 1)).size:
            row = self.items[several[0]].row
            raise ScoreError(
                f"benchmark {self.benchmark.name}: row {row['row_id']} must have one "
                f"{self.benchmark.truth}, found {row[self.benchmark.truth]}."
            )
        return truth.argmax(axis=1)

    def candidates(self) -> Floats:
        """Scores of the labels, of every protocol but generate: (items, labels)."""
        for item in self.items:
            if len(item.candidates) != len(self.labels):
                raise ScoreError(
                    f"benchmark {self.benchmark.name}: answer for row {item.row['row_id']} has "
                    f"{len(item.candidates)} candidates, expected one for each of the "
                    f"{len(self.labels)} labels."
                )
        return np.asarray([item.candidates for item in self.items], dtype=np.float64)


@dataclass(frozen=True)
class Measure:
    """One metric of the items; `statistic` None says with `reason` why there is no value."""

    metric: str
    clips: list[str]
    statistic: Statistic | None
    chance: float | None = None
    hits: int | None = None
    reason: str | None = None
    ceiling: float | None = None  # what the references of the clips score among themselves


def share(metric: str, items: Sequence[Item], hits: Any, chance: float | None = None) -> Measure:
    """The share k/n of items that `hits` (a truth value each) marks."""
    clips = [item.clip_id for item in items]
    each = np.asarray(hits, dtype=bool)
    if not clips:
        return Measure(metric, clips, None, reason="no item of this kind")
    return Measure(metric, clips, mean(each), chance, int(each.sum()))


def no_number(metric: str, asked: Asked, scores: Floats) -> Measure | None:
    """Why `metric` has no value, where a score (one row an item) is NaN or infinite."""
    bad = (~np.isfinite(scores.reshape(len(scores), -1))).any(axis=1).sum()
    if not bad:
        return None
    why = f"{bad} of {len(scores)} answers have a score that is no number"
    return Measure(metric, asked.clips, None, reason=why)


def empty(asked: Asked) -> Measure:
    """The share of answers without a word."""
    return share("empty", asked.items, [not output for output in asked.outputs])


def most_common(values: Sequence[Any]) -> float | None:
    """Accuracy of the best constant answer."""
    return Counter(values).most_common(1)[0][1] / len(values) if values else None
