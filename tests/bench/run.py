"""Benchmarks as ratios: ours and a yardstick take turns, so a busy machine slows both alike.

`python tests/bench/run.py OUT.json` runs every `bench_*.py` beside it. Each has `cases()`, which
yields (name, ours, yardstick): two calls without arguments. Below 1 ours is the faster one.
"""

import importlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 15
Call = Callable[[], object]


def seconds(call: Call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def compare(ours: Call, yardstick: Call, rounds: int = ROUNDS) -> dict[str, float]:
    """Median and quartiles of ours / yardstick over rounds that alternate who goes first."""
    ours(), yardstick()
    ratios: list[float] = []
    times: list[float] = []
    for turn in range(rounds):
        if turn % 2:
            other, mine = seconds(yardstick), seconds(ours)
        else:
            mine, other = seconds(ours), seconds(yardstick)
        ratios.append(mine / other)
        times.append(mine)
    low, middle, high = statistics.quantiles(ratios, n=4)
    figures = {"ratio": middle, "low": low, "high": high, "seconds": statistics.median(times)}
    return {name: float(f"{value:.4g}") for name, value in figures.items()}


def main(out: Path) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    results: dict[str, dict[str, float]] = {}
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        for name, ours, yardstick in importlib.import_module(path.stem).cases():
            results[name] = figures = compare(ours, yardstick)
            print(f"{name}: {figures['ratio']:.2f} ({figures['low']:.2f} to {figures['high']:.2f})")
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": machine, "ratios": results}, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
