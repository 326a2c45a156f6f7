"""Manners towards servers: at most so many requests at a time to one host, with a gap between."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class _Host:
    room: threading.Semaphore
    lock: threading.Lock = field(default_factory=threading.Lock)
    next: float = 0.0  # when the next request may start, on the monotonic clock


class Hosts:
    """Lets `at_once` requests run to one host, `gap` seconds between the starts of two."""

    def __init__(self, at_once: int, gap: float = 0.0, gaps: dict[str, float] | None = None):
        self._at_once, self._gap, self._gaps = at_once, gap, gaps or {}
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Wait for a turn at `host` and hold it; `gaps` has hosts with a gap of their own."""
        with self._lock:
            known = self._hosts.setdefault(host, _Host(threading.Semaphore(self._at_once)))
        with known.room:
            self.pace(host)
            yield

    def pace(self, host: str) -> None:
        """Wait until the next request to `host` may start."""
        with self._lock:
            known = self._hosts.setdefault(host, _Host(threading.Semaphore(self._at_once)))
        with known.lock:
            now = time.monotonic()
            wait = known.next - now
            known.next = max(now, known.next) + self._gaps.get(host, self._gap)
        if wait > 0:
            time.sleep(wait)
