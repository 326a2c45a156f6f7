"""Decoding in processes of our own that a file may hang or kill: one pool for the whole program.

A worker is `python -m flows.steps.workers`: it imports no more than decoding needs, takes one file
at a time through its standard input, and ends with its parent.
"""

import os
import pickle
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flows.steps.encode import Cut, Encoded, Fault, encode

_COMMAND = [sys.executable, "-m", "flows.steps.workers"]
_CPU_LIMIT = 120.0  # s of processor time for one file; an hour of Opus takes about 12
_WALL_LIMIT = 1200.0  # s; for what waits without working
_START_LIMIT = 300.0  # s to start a worker on a busy machine
_IDLE = 30.0  # s after which a worker without work gives its memory back
_AHEAD = 8  # files in flight per worker
_HELD = 256 << 20  # bytes of files in flight

_GONE = (EOFError, OSError, pickle.UnpicklingError)  # what reading from a dead worker raises

Outcomes = list[Encoded | Fault]


class WorkerError(Exception):
    """No process for decoding can be started here, or our own code failed in it."""


@dataclass(frozen=True)
class Job:
    """One file to decode: its bytes, name and the cuts wanted; `tag` comes back with it."""

    data: bytes
    name: str
    cuts: Sequence[Cut] = (None,)
    tag: Any = None


def encoded(jobs: Iterable[Job]) -> Iterator[tuple[Any, Outcomes]]:
    """(tag, outcome of every cut) of each job, in their order, reading ahead only a little.

    A file that kills or hangs its worker is a `Fault`; the others are not touched by it.
    """
    workers = _pool()
    pending: deque[tuple[Any, int, Future[Outcomes]]] = deque()
    held = 0
    try:
        for job in jobs:
            pending.append((job.tag, len(job.data), workers.submit(job)))
            held += len(job.data)
            while len(pending) > _AHEAD * workers.size or (held > _HELD and len(pending) > 1):
                tag, size, future = pending.popleft()
                held -= size
                yield tag, future.result()
        while pending:
            tag, _, future = pending.popleft()
            yield tag, future.result()
    finally:
        for _, _, future in pending:
            future.cancel()


class _Pool:
    """`size` threads, each with a worker process while there is work."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Outcomes]]] = queue.SimpleQueue()
        for _ in range(size):  # daemons: nobody who leaves waits for them
            threading.Thread(target=self._serve, name="decoding", daemon=True).start()

    def submit(self, job: Job) -> "Future[Outcomes]":
        future: Future[Outcomes] = Future()
        self._jobs.put((job, future))
        return future

    def _serve(self) -> None:
        worker: _Worker | None = None
        while True:
            try:
                job, future = self._jobs.get(timeout=_IDLE if worker else None)
            except queue.Empty:
                if worker:
                    worker.close()
                worker = None
                continue
            if future.set_running_or_notify_cancel():
                try:
                    worker = worker or _Worker()
                    outcomes = worker.outcomes(job)
                    worker = worker if worker.alive else None
                    future.set_result(outcomes)
                except Exception as error:
                    worker = None
                    future.set_exception(error)
            del job, future  # not kept until the next one comes


_POOLS: dict[int, _Pool] = {}  # by process: threads do not follow a fork
_LOCK = threading.Lock()


def _pool() -> _Pool:
    with _LOCK:
        if os.getpid() not in _POOLS:
            _POOLS[os.getpid()] = _Pool(len(os.sched_getaffinity(0)))
        return _POOLS[os.getpid()]


class _Worker:
    """One process. `outcomes` tries a file that killed it once more, in a new one."""

    def __init__(self) -> None:
        self._start()

    def outcomes(self, job: Job) -> Outcomes:
        """What became of every cut of a file."""
        for _ in range(2):  # whoever killed the first may have meant another: memory, a person
            if not self.alive:
                self._start()
            try:
                return self._ask(job)
            except TimeoutError:
                self._process.kill()
                self._process.wait()
                return _faults(job, "timeout", f"longer than {_WALL_LIMIT:.0f} s")
            except _GONE:
                self._process.kill()
                if self._process.wait() == -signal.SIGPROF:
                    return _faults(job, "timeout", f"over {_CPU_LIMIT:.0f} s of processor time")
        return _faults(job, "decoder_crash", "the decoding process died on this file, twice")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """Let it end: its standard input does."""
        self._to.close()
        self._from.close()
        self._process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            _COMMAND,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # C libraries warn there about damaged files
        )
        assert self._process.stdin and self._process.stdout  # both are pipes
        self._to: IO[bytes] = self._process.stdin
        self._from: IO[bytes] = self._process.stdout
        try:
            self._receive(_START_LIMIT)
        except _GONE as error:
            self._process.kill()
            raise WorkerError(
                f"{' '.join(_COMMAND)} did not start (status {self._process.wait()}). Run it by "
                "hand: it should wait for input without a message."
            ) from error

    def _ask(self, job: Job) -> Outcomes:
        pickle.dump((job.data, job.name, job.cuts), self._to, protocol=5)
        self._to.flush()
        return self._receive(_WALL_LIMIT)

    def _receive(self, limit: float) -> Any:
        ready = select.poll()
        ready.register(self._from, select.POLLIN)
        if not ready.poll(limit * 1000):
            raise TimeoutError
        if isinstance(answer := pickle.load(self._from), Exception):
            raise answer
        return answer


def _faults(job: Job, code: str, detail: str) -> Outcomes:
    return [Fault(code, detail)] * len(job.cuts)


def serve(work: Callable[[bytes, str, Sequence[Cut]], Outcomes]) -> None:
    """Be a worker: answer every (data, name, cuts) of standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    threading.Thread(target=_die_with, args=[os.getppid()], daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what is stopped
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, in C code too
    _send("ready", answers)
    while True:
        try:
            asked = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, _CPU_LIMIT)
        try:
            answer = work(*asked)
        except Exception as error:  # a fault of ours, not of the file: raised where it is awaited
            answer = WorkerError(f"decoding {asked[1]}: {type(error).__name__}: {error}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        _send(answer, answers)
        del asked, answer  # not kept until the next ones come


def _send(value: Any, answers: IO[bytes]) -> None:
    pickle.dump(value, answers, protocol=5)
    answers.flush()


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    serve(encode)
