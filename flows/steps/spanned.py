"""The file or files of a zip read where they lie as one: x.zip, or x.z01, x.z02, …, x.zip.

The directory of a split zip gives part numbers and offsets inside parts; nothing is joined on disk.
Source: PKWARE, APPNOTE.TXT, sections 4.3.7 to 4.3.16.
"""

import io
import os
import re
import struct
import zipfile
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flows.steps.gate import ArchiveError

_PART = re.compile(r"(.+)\.z(\d\d+)$", re.IGNORECASE)
_END = struct.Struct("<4s4H2LH")  # end of central directory
_LOCATOR = struct.Struct("<4sLQL")  # of the zip64 end of central directory
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT = 0xFFFF
_UNSAID = 0xFFFFFFFF  # "look in the zip64 record"
_FAR = 1 << 62  # bytes; no file is read beyond
_MADE_BY = 45  # version that reads zip64
_NAMED = 5  # parts named in an error

Numbers = NDArray[Any]


class Part(NamedTuple):
    """One file of a zip."""

    name: str
    path: Path


class Bounds(NamedTuple):
    """Where the directory of a zip is, counted over all parts."""

    place: int
    size: int
    members: int | None  # None for one file: programs write them modulo 65,536
    shift: int  # to add to the offsets of a zip in one file: bytes before its own first one


class Joined(io.RawIOBase):
    """The bytes of several files one after another, then the end of a zip without members.

    The standard library takes it for an empty zip, out of which it reads members it is told of.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self._files: list[IO[bytes]] = [part.path.open("rb") for part in parts]
        sizes = [os.fstat(file.fileno()).st_size for file in self._files]
        self.starts = list(accumulate(sizes, initial=0))
        self._tail = ending(self.starts[-1], 0, 0)
        self._at = 0

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = self.starts[-1] + len(self._tail)
        place = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: size}[whence] + offset
        if place < 0:
            raise ValueError(f"seek to {place}")
        self._at = place
        return place

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        chunk = self._piece(len(view))
        view[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)

    def _piece(self, size: int) -> bytes:
        if self._at >= self.starts[-1]:
            first = self._at - self.starts[-1]
            return self._tail[first : first + size]
        number = bisect_right(self.starts, self._at, 0, len(self._files)) - 1
        place = self._at - self.starts[number]
        return os.pread(self._files[number].fileno(), size, place)


def part_of(name: str) -> tuple[str, int] | None:
    """("x", 3) for "x.z03"; None for a name that is no part of a split zip."""
    found = _PART.match(name)
    return (found[1], int(found[2])) if found else None


def bounds(file: IO[bytes], parts: Sequence[Part], starts: Sequence[int]) -> Bounds:
    """Where the directory is; `ArchiveError` names a part that is missing or too many."""
    first = max(starts[-2], starts[-1] - _END.size - _LONGEST_COMMENT)
    tail = _at(file, first, starts[-1] - first)
    found = tail.rfind(b"PK\5\6", 0, max(len(tail) - _END.size + 4, 0))
    if found < 0:
        raise zipfile.BadZipFile(f"{parts[-1].name} has no end of a zip's directory")
    _, disk, disk_0, _, count, size, offset, _ = _END.unpack_from(tail, found)
    end = first + found  # of the directory, and of the records of zip64 if any
    locator = _at(file, end - _LOCATOR.size, _LOCATOR.size)
    if locator[:4] == b"PK\6\7":
        _, where, offset_64, total = _LOCATOR.unpack(locator)
        _all_there(parts, max(total, 1))
        before = end - _LOCATOR.size - _END_64.size
        place = starts[min(where, len(parts) - 1)] + offset_64 if len(parts) > 1 else before
        record = _at(file, place, _END_64.size)
        if record[:4] == b"PK\6\6" and len(record) == _END_64.size:
            *_, disk, disk_0, _, count, size, offset = _END_64.unpack(record)
            end = place
    _all_there(parts, disk + 1)
    if disk_0 >= len(parts):
        raise zipfile.BadZipFile(f"its directory is in part {disk_0 + 1} of {len(parts)}")
    split = len(parts) > 1
    place = starts[disk_0] + offset if split else end - size
    if place < 0 or place + size > end:
        raise zipfile.BadZipFile("Bad offset for central directory")
    return Bounds(place, size, count if split else None, 0 if split else place - offset)


def _at(file: IO[bytes], place: int, size: int) -> bytes:
    if not 0 <= place < _FAR:
        return b""
    file.seek(place)
    return file.read(size)


def _all_there(parts: Sequence[Part], total: int) -> None:
    stem = parts[-1].name[:-4]
    found = [part_of(part.name) for part in parts[:-1]]
    numbers = {part[1] for part in found if part}
    if absent := list(islice((n for n in range(1, total) if n not in numbers), _NAMED)):
        names = ", ".join(f"{stem}.z{number:02d}" for number in absent)
        raise ArchiveError(
            f"{parts[-1].name} is the last of {total} parts, and {names} "
            f"{'is' if len(absent) == 1 else 'are'} missing. Fetch every part, or put them all "
            "into the directory given with --raw."
        )
    if len(parts) != total:
        surplus = ", ".join(part.name for part in parts[total - 1 : -1])
        raise ArchiveError(
            f"{parts[-1].name} is the last of {total} parts, but {surplus} lies beside it. "
            "Expected the parts of one version; delete them and fetch them again."
        )


def short_part(
    file: IO[bytes], starts: Sequence[int], members: tuple[Numbers, Numbers, Numbers], end: int
) -> tuple[int, int] | None:
    """(member, part) of the first member that is not all in the parts, and the one that is short.

    `members` are arrays in the order of bytes: the part a member starts in, its first byte, and the
    bytes that its header and data take at least; the directory starts at `end`.
    """
    part, start, least = members
    after = np.append(start[1:], end)[: len(start)]
    border = np.array(starts)[part + 1]
    for number in np.flatnonzero((after > border) | (start + least > after)):
        first, begin, limit = int(part[number]), int(start[number]), int(after[number])
        header = _at(file, begin, 30)
        named = len(header) == 30 and header[:4] == b"PK\3\4"
        words = sum(struct.unpack_from("<2H", header, 26)) if named else limit  # name, extra fields
        within = begin <= starts[first + 1]
        if not within or begin + int(least[number]) + words > limit:
            last = bisect_right(starts, limit - 1, 0, len(starts) - 1) - 1
            there = range(first, max(first + 1, last if within else 0))
            return int(number), min(there, key=lambda n: starts[n + 1] - starts[n])
    return None


def ending(place: int, size: int, count: int) -> bytes:
    """The end records of a zip64 that has its directory of `size` bytes at `place`."""
    end = _END_64.pack(
        b"PK\6\6", _END_64.size - 12, _MADE_BY, _MADE_BY, 0, 0, count, count, size, place
    )
    locator = _LOCATOR.pack(b"PK\6\7", 0, place + size, 1)
    return end + locator + _END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, _UNSAID, _UNSAID, 0)
