"""Which clips the rows of a dataset want, and of which member each is a piece: Arrow tables only.

A clip is a member of the archives, or "member#t=START,END" (seconds) where no member has that name.
"""

import hashlib
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Line = dict[str, Any]

_NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"
_PIECE = rf"^(?P<member>.+)#t=(?P<start>{_NUMBER}),(?P<end>{_NUMBER})$"
_BATCH = 4096  # lines turned into Python objects at a time


def wanted(rows: pa.Table, licence: str) -> pa.Table:
    """Distinct clips of `rows` (ROWS), sorted, with the facts of their first row.

    Columns clip, licence (or else the dataset's `licence`), attribution, origin_ids.
    """
    table = rows.select(["clip", "licence", "attribution", "origin_ids"])
    table = table.append_column("line", pa.array(np.arange(rows.num_rows)))
    firsts = table.select(["clip", "line"]).group_by("clip").aggregate([("line", "min")])
    table = table.take(firsts.sort_by("clip")["line_min"]).drop_columns("line")
    filled = pc.fill_null(table["licence"], licence)
    return table.set_column(1, "licence", filled).combine_chunks()


def lines(table: pa.Table) -> Iterator[Line]:
    """The lines of a table one by one; only a few exist as Python objects at any time."""
    for start in range(0, table.num_rows, _BATCH):
        yield from table.slice(start, _BATCH).to_pylist()


def digest(table: pa.Table) -> str:
    """sha256 over all lines of a table."""
    found = hashlib.sha256()
    for line in lines(table):
        found.update(f"{line}\0".encode())
    return found.hexdigest()


def placed(table: pa.Table, names: pa.Array) -> pa.Table:
    """The clips of `wanted` with member, start, end and `place` of the member among `names`.

    `place` is null where no member holds the clip; start and end are null for a whole member.
    """
    clips = table["clip"].combine_chunks()
    whole = pc.index_in(clips, value_set=names)
    parts = pc.extract_regex(clips, pattern=_PIECE)
    is_piece = pc.and_(pc.is_null(whole), pc.is_valid(parts))
    member = pc.if_else(is_piece, pc.struct_field(parts, "member"), clips)
    times = [
        pc.cast(pc.if_else(is_piece, pc.struct_field(parts, name), None), pa.float64())
        for name in ("start", "end")
    ]
    place = pc.index_in(member, value_set=names)
    columns = [*table.columns, member, *times, place]
    return pa.table(columns, [*table.column_names, "member", "start", "end", "place"])


def in_order(table: pa.Table) -> pa.Table:
    """The clips of `placed` that a member holds: by member in archive order, then by time."""
    held = table.filter(pc.is_valid(table["place"]))
    held = held.append_column("from", pc.fill_null(held["start"], -1.0))
    keys = [(name, "ascending") for name in ("place", "from", "end", "clip")]
    return held.take(pc.sort_indices(held, keys)).drop_columns("from").combine_chunks()


def by_member(table: pa.Table) -> Iterator[list[Line]]:
    """The lines of `in_order`, those of one member together."""
    together: list[Line] = []
    for line in lines(table):
        if together and together[0]["place"] != line["place"]:
            yield together
            together = []
        together.append(line)
    if together:
        yield together


def edges(table: pa.Table, least: int) -> list[int]:
    """Where to divide `in_order`: every `least` lines, or later where a member ends."""
    places = table["place"].to_numpy()
    begins = np.flatnonzero(np.diff(places, prepend=-1))  # first line of each member
    found = [0]
    while found[-1] < len(places):
        after = np.searchsorted(begins, found[-1] + least)
        found.append(int(begins[after]) if after < len(begins) else len(places))
    return found


class Names(Collection[str]):
    """Names to look up, in 8 bytes each; two names of one hash are taken for the same."""

    def __init__(self, names: pa.ChunkedArray) -> None:
        self._names = names
        found = np.fromiter((hash(name) for name in self), np.int64, len(names))
        self._hashes = np.unique(found)

    def __contains__(self, name: object) -> bool:
        value = np.int64(hash(name))
        place = int(np.searchsorted(self._hashes, value))
        return place < self._hashes.size and bool(self._hashes[place] == value)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self._names), _BATCH):
            yield from self._names.slice(start, _BATCH).to_pylist()

    def __len__(self) -> int:
        return self._hashes.size
