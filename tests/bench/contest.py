"""What a bench module gives to run.py: contests to hold, and results it has measured itself."""

import os
import resource
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

SCALE = float(os.environ.get("PENGI_BENCH_SCALE", "1"))  # of the paper's size; CI takes a crumb
ROUNDS = int(os.environ.get("PENGI_BENCH_ROUNDS", "0"))  # of every contest; 0: as it says itself

Call = Callable[[], object]


def scaled(count: int, least: int = 1) -> int:
    """`count` things at full size, fewer at a smaller scale."""
    return max(least, round(count * SCALE))


@dataclass(frozen=True)
class Result:
    """One line of bench/results.json: what ours took, what the yardstick took, and the target.

    `ratio` is theirs / ours: above 1 ours is the cheaper one. The target is met when ratio is at
    least `at_least` and ours at most `at_most` (in `unit`), as far as these are given.
    """

    name: str
    ours: float
    theirs: float
    how: str
    unit: str = "CPU-seconds"
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours

    @property
    def met(self) -> bool:
        dear = self.at_most is not None and self.ours > self.at_most
        return not dear and (self.at_least is None or self.ratio >= self.at_least)

    def line(self) -> dict[str, Any]:
        """As it stands in the file, four digits a number."""
        figures = asdict(self) | {"ratio": self.ratio}
        at_least, at_most = figures.pop("at_least"), figures.pop("at_most")
        for name in ("ours", "theirs", "ratio"):
            figures[name] = float(f"{figures[name]:.4g}")
        target = {"ratio at least": at_least, "ours at most": at_most}
        wanted = {name: value for name, value in target.items() if value is not None}
        return figures | {"target": wanted or None, "met": self.met}


@dataclass(frozen=True)
class Contest:
    """`ours` and `theirs`, calls without arguments that take turns: a busy machine slows both."""

    name: str
    ours: Call
    theirs: Call
    how: str
    at_least: float | None = None
    at_most: float | None = None
    rounds: int = 5
    warm: bool = True  # hold a first round that does not count

    def held(self) -> Result:
        """The medians of processor seconds, children included; who goes first alternates."""
        mine: list[float] = []
        others: list[float] = []
        if self.warm:
            self.ours()
            self.theirs()
        for turn in range(ROUNDS or self.rounds):
            order = [(self.ours, mine), (self.theirs, others)]
            for call, times in reversed(order) if turn % 2 else order:
                times.append(processor_seconds(call))
        ours, theirs = statistics.median(mine), statistics.median(others)
        how = f"{self.how}; median of {len(mine)}"
        return Result(self.name, ours, theirs, how, at_least=self.at_least, at_most=self.at_most)


def processor_seconds(call: Call) -> float:
    """Of this process and of its children that have ended, while `call` runs."""
    began = _spent()
    call()
    return max(_spent() - began, 1e-9)


def _spent() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
