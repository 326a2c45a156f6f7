"""Which clips the rows of a dataset want, and of which member each is a piece: a few bytes a clip.

A clip is a member of the archives, or "member#t=START,END" (seconds) where no member has that name.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

_COLUMNS = ["clip", "licence", "attribution", "origin_ids"]  # of ROWS; no other is looked at

_NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"
_PIECE = rf"^(?P<member>.+)#t=(?P<start>{_NUMBER}),(?P<end>{_NUMBER})$"
_BATCH = 2048  # clips that exist as Python objects at a time

Line = dict[str, Any]  # one row of _COLUMNS
Numbers = NDArray[Any]


def read_rows(path: Path) -> pa.Table:
    """What `Wanted` needs of a Parquet file of ROWS, a third of the memory of reading all."""
    few = ["licence", "attribution"]
    with pq.ParquetFile(path, pre_buffer=False, memory_map=True, read_dictionary=few) as file:
        return file.read(_COLUMNS, use_threads=False)


@dataclass(frozen=True)
class Wanted:
    """Distinct clips, each as the number of its first line in `rows`."""

    rows: pa.Table
    line: Numbers

    @classmethod
    def of(cls, rows: pa.Table) -> "Wanted":
        """The clips of `rows` (ROWS), sorted by name."""
        rows = rows.select(_COLUMNS)
        order = pc.sort_indices(rows["clip"]).to_numpy().astype(np.uint32)
        new = np.ones(len(order), bool)
        for start in range(1, len(order), _BATCH):
            names = rows["clip"].take(order[start - 1 : start + _BATCH]).combine_chunks()
            differ = pc.not_equal(names[1:], names[:-1])
            new[start : start + _BATCH] = differ.to_numpy(zero_copy_only=False)
        return cls(rows, np.minimum.reduceat(order, np.flatnonzero(new)) if len(order) else order)

    def __len__(self) -> int:
        return len(self.line)

    def lines(self) -> Iterator[Line]:
        """The first row of each clip, one by one."""
        for start in range(0, len(self.line), _BATCH):
            yield from self.rows.take(self.line[start : start + _BATCH]).to_pylist()

    def digest(self) -> str:
        """sha256 over all that is known of these clips."""
        found = hashlib.sha256()
        for line in self.lines():
            found.update(f"{line}\0".encode())
        return found.hexdigest()


@dataclass(frozen=True)
class Placed(Wanted):
    """Clips with the member of `names` each is in, and from and to when (-1: the whole member)."""

    names: pa.Array
    place: Numbers  # of the member among the names; -1 where none holds the clip
    start: Numbers
    end: Numbers

    @classmethod
    def among(cls, wanted: Wanted, names: pa.Array) -> "Placed":
        """Look every clip up among the member names; those that none holds come first."""
        known = Names(names)
        place = np.full(len(wanted), -1, np.int32)
        start, end = np.full(len(wanted), -1.0), np.full(len(wanted), -1.0)
        for first in range(0, len(wanted), _BATCH):
            batch = np.arange(first, min(first + _BATCH, len(wanted)))
            clips = wanted.rows["clip"].take(wanted.line[batch]).combine_chunks()
            place[batch] = known.places(clips)
            if len(other := np.flatnonzero(place[batch] < 0)):
                parts = pc.extract_regex(clips.take(other), _PIECE)
                other = batch[other]
                place[other] = known.places(pc.struct_field(parts, "member"))
                for name, times in (("start", start), ("end", end)):
                    seconds = pc.cast(pc.struct_field(parts, name), pa.float64())
                    times[other] = pc.fill_null(seconds, -1).to_numpy()
        order = np.lexsort((end, start, place)).astype(np.uint32)
        return cls(wanted.rows, wanted.line, names, place, start, end)[order]

    def __getitem__(self, which: slice | Numbers) -> "Placed":
        return replace(
            self,
            line=self.line[which],
            place=self.place[which],
            start=self.start[which],
            end=self.end[which],
        )

    def lost(self) -> "Placed":
        """Those that no member holds, by name."""
        return self[: np.count_nonzero(self.place < 0)]

    def held(self) -> "Placed":
        """Those that a member holds: by member in archive order, then by time."""
        return self[np.count_nonzero(self.place < 0) :]

    def by_member(self) -> Iterator[tuple[str, list[tuple[float, float] | None], list[Line]]]:
        """Of clips that are held, for each member: its name, the pieces wanted, and their rows."""
        lines = self.lines()
        edges = [*np.flatnonzero(np.diff(self.place, prepend=-1)), len(self)]
        for first, after in pairwise(edges):
            cuts = [
                None if self.start[n] < 0 else (float(self.start[n]), float(self.end[n]))
                for n in range(first, after)
            ]
            yield self.names[int(self.place[first])].as_py(), cuts, [next(lines) for _ in cuts]

    def edges(self, least: int) -> list[int]:
        """Where to divide clips that are held: every `least`, or later where a member ends."""
        begins = np.flatnonzero(np.diff(self.place, prepend=-1))
        found = [0]
        while found[-1] < len(self):
            after = np.searchsorted(begins, found[-1] + least)
            found.append(int(begins[after]) if after < len(begins) else len(self))
        return found

    def spare(self) -> pa.Array:
        """Names of the members that no clip is in, sorted."""
        unused = np.ones(len(self.names), bool)
        unused[self.place[self.place >= 0]] = False
        spare = self.names.filter(pa.array(unused))
        return spare.take(pc.sort_indices(spare))


class Names(Collection[str]):
    """Names to look up, in 12 bytes each: those of an array, or only at some `places` of it."""

    def __init__(self, names: pa.Array, places: Numbers | None = None) -> None:
        self._names = names
        self._order = np.arange(len(names), dtype=np.int32) if places is None else places
        hashes = np.fromiter((hash(name) for name in self), np.int64, len(self._order))
        order = np.argsort(hashes)
        self._order, self._hashes = self._order[order], hashes[order]

    def places(self, names: pa.Array) -> Numbers:
        """Where each of `names` is among ours; -1 where it is not."""
        hashes = np.fromiter((hash(name) for name in names.to_pylist()), np.int64, len(names))
        found = np.full(len(names), -1, np.int64)
        first = np.searchsorted(self._hashes, hashes)
        after = np.searchsorted(self._hashes, hashes, "right")
        for step in range(int((after - first).max(initial=0))):  # once, but for names of one hash
            left = np.flatnonzero(first + step < after)
            place = self._order[first[left] + step]
            same = pc.equal(self._names.take(pa.array(place)), names.take(pa.array(left)))
            same = pc.fill_null(same, False).to_numpy(zero_copy_only=False)
            found[left[same]] = place[same]
        return found

    def __contains__(self, name: object) -> bool:
        value = np.int64(hash(name))
        place = int(np.searchsorted(self._hashes, value))
        while place < len(self._order) and self._hashes[place] == value:
            if self._names[int(self._order[place])].as_py() == name:
                return True
            place += 1
        return False

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self._order), _BATCH):
            yield from self._names.take(self._order[start : start + _BATCH]).to_pylist()

    def __len__(self) -> int:
        return len(self._order)
