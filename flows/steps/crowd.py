"""Many sounds at a time: a bounded crowd of threads, one writer of the journal, one eye on the net.

When hardly anything can be reached the fault is here, not there: nothing is recorded as failed.
"""

import contextvars
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from flows.steps.carrier import STOPPED, Carrier
from flows.steps.download import FetchError, QuotaError
from flows.steps.journal import Journal, Line
from flows.steps.progress import Progress
from schemas import Dataset, Remote

_THREADS = 8
_WINDOW = 32  # sounds handed to the threads at a time
_FIRST = 20  # outcomes that tell whether there is a network
_OURS = frozenset({"no_room", "no_key", "no_extra", "quota", STOPPED})  # no fault of the sound
_UNREACHED = frozenset({"unreachable", "blocked"})

Running = dict[Future[Line], Remote]


def settle(
    dataset: Dataset,
    remotes: Iterable[Remote],
    carrier: Carrier,
    journal: Journal,
    progress: Progress,
) -> None:
    """Bring each sound, or record why not; `FetchError` when the rest has to wait for a person."""
    expected = sum(dataset.expected_clips.values())
    net = _Net(dataset.name, journal)
    running: Running = {}
    ended: list[FetchError] = []

    def take(most: int) -> None:
        while len(running) > most:
            wait(running, return_when=FIRST_COMPLETED)
            for job in [job for job in running if job.done()]:  # in the order of the list
                if stopped := _take(job, running.pop(job), carrier, net):
                    ended.append(stopped)
            progress(f"{dataset.name}: sounds", net.count, max(net.count, expected))

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for remote in remotes:
                job = pool.submit(contextvars.copy_context().run, carrier.carry, remote)
                running[job] = remote
                take(_WINDOW)
                if ended:
                    break
            if ended and not isinstance(ended[0], QuotaError):
                carrier.stop.set()
            take(0)
        finally:
            carrier.stop.set()
            pool.shutdown(cancel_futures=True)
    if ended:
        raise ended[0]
    net.end()


def _take(job: Future[Line], remote: Remote, carrier: Carrier, net: "_Net") -> FetchError | None:
    """Record one outcome; the error instead where it is not about this sound."""
    try:
        net.reached(job.result())
    except FetchError as error:
        if error.code in _OURS:
            return error
        line = carrier.lost(remote, error.code)
        if error.code not in _UNREACHED:
            net.reached(line)
        else:
            net.unreached(line, str(error))
    return None


class _Net:
    """Keeps back what could not be reached until it is known that other things can be."""

    def __init__(self, dataset: str, journal: Journal) -> None:
        self._dataset, self._journal = dataset, journal
        self._held: list[Line] = []
        self._unreached = self._streak = 0
        self._said = ""
        self.count = 0

    def reached(self, line: Line) -> None:
        self.count += 1
        self._streak = 0
        self._journal.add(line)
        self._judge()

    def unreached(self, line: Line, said: str) -> None:
        self.count += 1
        self._unreached += 1
        self._streak += 1
        self._held.append(line)
        self._said = said
        self._judge()

    def end(self) -> None:
        if self.count < _FIRST and self._unreached * 2 > self.count:
            self._give_up()
        self._record()

    def _judge(self) -> None:
        first = self.count == _FIRST and self._unreached * 2 > _FIRST
        if first or self._streak >= _FIRST:
            self._give_up()
        if self.count >= _FIRST and not self._streak:
            self._record()

    def _record(self) -> None:
        for line in self._held:
            self._journal.add(line)
        self._held.clear()

    def _give_up(self) -> None:
        raise FetchError(
            f"{self._dataset}: {self._unreached} of {self.count} sounds could not be reached, the "
            f"last: {self._said} Expected a network; nothing of it is recorded as failed. Run "
            "again when there is one, or give a copy with --raw.",
            "no_network",
        )
