"""A dataset cut down to some of its clips, the same ones every time."""

import hashlib
import heapq
from collections.abc import Iterator

from flows.datasets import Reader, Remotes
from flows.steps.rows import RowsError
from schemas import Malformed, Raw, Remote, RequestError, Row


class Limit:
    """Which clips of a dataset count: all, or `most` of those that its rows name.

    They are those with the smallest hash of their name, so that every split and class keeps its
    share and a larger limit holds all clips of a smaller one.
    """

    def __init__(self, name: str, rows: Reader, raw: Raw, most: int | None) -> None:
        """Raises `RequestError` for a limit below 1, `RowsError` when the rows do not read."""
        self._rows, self.most = rows, most
        self._clips: set[str] | None = None
        self._files: set[str] = set()
        self.hidden: frozenset[str] = frozenset()
        if most is not None:
            if most < 1:
                raise RequestError(f"max_clips is {most}; expected 1 or more, or none for all.")
            clips = _named(name, rows, raw)
            self._clips = set(heapq.nsmallest(most, clips, _place))
            self._files = {_file(clip) for clip in self._clips}
            self.hidden = frozenset({_file(clip) for clip in clips} - self._files)

    def rows(self, raw: Raw) -> Iterator[Row | Malformed]:
        """The rows of the clips that count, and what is no row."""
        for row in self._rows(raw):
            if self._clips is None or isinstance(row, Malformed) or row.clip in self._clips:
                yield row

    def remotes(self, remotes: Remotes, raw: Raw) -> Iterator[Remote]:
        """The sounds of the clips that count."""
        every = self._clips is None
        return (remote for remote in remotes(raw) if every or remote.name in self._files)


def _named(name: str, rows: Reader, raw: Raw) -> set[str]:
    try:
        return {row.clip for row in rows(raw) if isinstance(row, Row)}
    except (KeyError, ValueError, TypeError, OSError) as fault:
        raise RowsError(
            f"{name}: its annotations do not read as flows/datasets/{name}.py expects: "
            f"{type(fault).__name__}: {fault}. Compare that file with the columns it reads."
        ) from fault


def _place(clip: str) -> bytes:
    return hashlib.sha256(clip.encode()).digest()


def _file(clip: str) -> str:
    return clip.partition("#t=")[0]
