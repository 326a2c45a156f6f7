"""Progress of long steps: a step calls `progress(label, done, total)`, its caller shows it."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

Progress = Callable[[str, int, int], None]

_EVERY = 2.0  # seconds between two lines of one subject


def silent(label: str, done: int, total: int) -> None:
    """Show nothing."""


def counted(stream: TextIO | None = None) -> Progress:
    """A Progress that prints "label 120/400 (30%)" once a second a label, and always the last.

    On a terminal the line of one label is overwritten until it is complete.
    """
    out = stream or sys.stderr
    end = "\r" if out.isatty() else "\n"
    shown: dict[str, float] = {}

    def show(label: str, done: int, total: int) -> None:
        now = time.monotonic()
        last = done >= total
        subject = label.partition(":")[0]
        if not last and now - shown.get(subject, 0.0) < _EVERY:
            return
        shown[subject] = now
        percent = 100 * done // total if total else 100
        out.write(f"{label} {done}/{total} ({percent}%)" + ("\n" if last else end))
        out.flush()

    return show
