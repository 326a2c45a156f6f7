"""The pool of decoding processes: order, crashes, hangs, two users at once, and its end."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flows.steps import workers
from flows.steps.encode import Fault
from flows.steps.workers import Job, WorkerError, encoded

ROOT = Path(__file__).parents[2]

ODD = """
import os, signal, sys, time
from flows.steps import workers
from flows.steps.encode import Fault

def work(data, name, cuts):
    if name.startswith("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("once") and not os.path.exists(data.decode()):
        open(data.decode(), "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("busy"):
        sum(range(10 ** 11))  # in C, and holds the interpreter: no signal handler would run
    if name.startswith("asleep"):
        time.sleep(1000)
    if name.startswith("bug"):
        raise KeyError("ours")
    if name.startswith("slow"):
        time.sleep(float(data))
    return [Fault("fine", str(os.getpid())) for _ in cuts]

workers._CPU_LIMIT = 0.5
workers.serve(work)
"""


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pool of its own whose workers run ODD."""
    script = tmp_path / "odd.py"
    script.write_text(textwrap.dedent(ODD))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(workers, "_COMMAND", [sys.executable, str(script)])
    monkeypatch.setattr(workers, "_POOLS", {})
    yield
    for child in psutil.Process().children():
        if child.status() != psutil.STATUS_ZOMBIE and str(script) in child.cmdline():
            child.kill()


def codes(*names: str, data: bytes = b"") -> list[str]:
    jobs = (Job(data, name, tag=name) for name in names)
    found = [(tag, outcome) for tag, (outcome,) in encoded(jobs)]
    assert [tag for tag, _ in found] == list(names)
    return [outcome.code for _, outcome in found if isinstance(outcome, Fault)]


def test_files_that_kill_their_worker_harm_no_other(pool: None):
    names = [f"killed {n}" if n in (3, 30, 31) else f"{n}" for n in range(60)]
    assert codes(*names) == [
        "decoder_crash" if name.startswith("killed") else "fine" for name in names
    ]


def test_a_worker_killed_by_somebody_else_costs_no_clip(pool: None, tmp_path: Path):
    assert codes("once", data=str(tmp_path / "was here").encode()) == ["fine"]


def test_a_file_that_hangs_in_c_code_is_ended_by_processor_time(pool: None):
    began = time.monotonic()
    assert codes("busy", "next") == ["timeout", "fine"]
    assert time.monotonic() - began < 60


def test_a_file_that_waits_for_ever_is_ended_by_the_clock(
    pool: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workers, "_WALL_LIMIT", 1.0)
    assert codes("asleep", "next") == ["timeout", "fine"]


def test_every_cut_of_a_lost_file_has_an_outcome(pool: None):
    ((_, outcomes),) = encoded([Job(b"", "killed", [None, (0.0, 1.0), (1.0, 2.0)])])
    assert [o.code for o in outcomes if isinstance(o, Fault)] == ["decoder_crash"] * 3


def test_a_fault_of_ours_is_raised_and_no_rejection(pool: None):
    with pytest.raises(WorkerError, match=r"decoding bug: KeyError: 'ours'"):
        list(encoded([Job(b"", "bug")]))
    assert codes("next") == ["fine"]


def test_a_worker_that_cannot_start_is_an_error(pool: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "_COMMAND", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(WorkerError, match=r"did not start \(status 3\)"):
        list(encoded([Job(b"", "a")]))


def test_two_threads_share_the_processes_and_keep_their_order(pool: None):
    found: dict[int, list[tuple[int, str]]] = {}

    def use(user: int) -> None:
        jobs = (Job(b"0.01", f"slow {n}", tag=n) for n in range(40))
        found[user] = [(tag, o.detail) for tag, (o,) in encoded(jobs) if isinstance(o, Fault)]

    threads = [threading.Thread(target=use, args=[user]) for user in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [tag for tag, _ in found[0]] == [tag for tag, _ in found[1]] == list(range(40))
    processes = {process for lines in found.values() for _, process in lines}
    assert 1 <= len(processes) <= len(os.sched_getaffinity(0))


def test_an_abandoned_use_leaves_the_pool_to_the_next(pool: None):
    outcomes = encoded(Job(b"0.2", f"slow {n}") for n in range(100))
    next(outcomes)
    outcomes.close()
    began = time.monotonic()
    assert codes("next") == ["fine"]
    assert time.monotonic() - began < 10


LEAVES = """
import sys
from flows.steps import workers
from flows.steps.workers import Job, encoded
workers._COMMAND = [sys.executable, sys.argv[1]]
outcomes = encoded(Job(b"1000", f"slow {n}" if n else "first") for n in range(40))
print(next(outcomes), flush=True)
"""


def test_the_program_ends_at_once_and_its_workers_with_it(pool: None, tmp_path: Path):
    script = tmp_path / "leaves.py"
    script.write_text(LEAVES)
    command = [sys.executable, str(script), workers._COMMAND[1]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    children = psutil.Process(process.pid).children(recursive=True)
    assert process.wait(timeout=20) == 0
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
