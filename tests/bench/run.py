"""Benchmarks against yardsticks, in turns on one machine: `make bench`, `make bench ONLY=pairs`.

`python tests/bench/run.py OUT.json [NAME ...]` takes up every `bench_NAME.py` beside it. Such a
module has

    def benches() -> Iterator[Contest | Result]

A `Contest` (contest.py) is two calls without arguments; the harness holds it: the calls take turns,
each is timed in processor seconds with its children, medians count. A `Result` is what the module
measured itself: name, ours, theirs, how, and a unit. Both may state a target: ours at least
`at_least` times cheaper, ours at most `at_most`.

OUT.json gets {"machine", "results": [{"name", "unit", "ours", "theirs", "ratio", "target", "met",
"how"}]}; ratio is theirs / ours. PENGI_BENCH_SCALE=0.01 makes everything a hundredth of its size,
PENGI_BENCH_ROUNDS=1 holds every contest once: enough to see that it runs, not to believe a number.
"""

import importlib
import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from contest import ROUNDS, SCALE, Contest, Result  # noqa: E402

_PACKAGES = ("duckdb", "numpy", "pyarrow", "pydantic", "soundfile", "soxr", "torch")


def results(names: list[str]) -> Iterator[Result]:
    """The results of the bench modules `names`, as they come."""
    for name in names:
        for found in importlib.import_module(f"bench_{name}").benches():
            yield found.held() if isinstance(found, Contest) else found


def modules(wanted: list[str]) -> list[str]:
    """Names of the bench modules asked for, all but gpu_* when none is; exit 2 for a wrong one."""
    there = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    if unknown := set(wanted) - set(there):
        sys.exit(f"no bench called {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    return wanted or [name for name in there if not name.startswith("gpu_")]


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    named = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": named[0] if named else platform.processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def shown(line: dict[str, Any]) -> str:
    target = ", ".join(f"{name} {value:g}" for name, value in (line["target"] or {}).items())
    verdict = f"{'met' if line['met'] else 'MISSED'} ({target})" if target else ""
    return (
        f"{line['name']:58} {line['ours']:>10g} {line['theirs']:>10g} {line['ratio']:>8g}x "
        f"{line['unit']:12} {verdict}"
    ).rstrip()


def main(out: Path, wanted: list[str]) -> None:
    names = modules(wanted)
    facts = {"scale": SCALE, "rounds": ROUNDS or "as stated", **machine()}
    print(f"{'':58} {'ours':>10} {'theirs':>10} {'ratio':>9} unit")
    lines: list[dict[str, Any]] = []
    for found in results(names):
        lines.append(found.line())
        print(shown(lines[-1]), flush=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps({"machine": facts, "results": lines}, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
