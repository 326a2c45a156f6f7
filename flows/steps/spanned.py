"""A split zip (x.z01, x.z02, …, x.zip) read where it lies, as one ordinary zip.

The directory of a split zip gives part numbers and offsets inside parts. It is read once and handed
on with offsets from the first byte of the first part, in zip64 form, so that any reader of zips can
use it; the parts are never joined on disk. Source: PKWARE, APPNOTE.TXT, sections 4.3.7 to 4.3.16.
"""

import io
import os
import re
import struct
import zipfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, NamedTuple

from flows.steps.gate import ArchiveError

_PART = re.compile(r"(.+)\.z(\d\d+)$", re.IGNORECASE)
_END = struct.Struct("<4s4H2LH")  # end of central directory
_LOCATOR = struct.Struct("<4sLQL")  # of the zip64 end of central directory
_END_64 = struct.Struct("<4sQ2H2L4Q")
_SIZES = struct.Struct("<2L4H")  # in an entry of the directory
_LONGEST_COMMENT = 0xFFFF
_UNSAID = 0xFFFFFFFF  # "look in the zip64 field"
_MADE_BY = 45  # version that reads zip64


class Part(NamedTuple):
    """One file of a split zip."""

    name: str
    path: Path


class _Entry(NamedTuple):
    part: int
    start: int  # of the local header, from the first byte of the first part
    least: int  # bytes that local header and data take at least
    name: bytes


def part_of(name: str) -> tuple[str, int] | None:
    """("x", 3) for "x.z03"; None for a name that is no part of a split zip."""
    found = _PART.match(name)
    return (found[1], int(found[2])) if found else None


def joined(parts: Sequence[Part]) -> IO[bytes]:
    """The parts, x.zip last, as one seekable zip; `ArchiveError` names a missing or short part."""
    files = [part.path.open("rb") for part in parts]
    sizes = [os.fstat(file.fileno()).st_size for file in files]
    starts = list(accumulate(sizes, initial=0))
    raw = _Joined(files, starts, starts[-1], b"")
    place, size, count = _directory(raw, parts, starts)
    raw.seek(place)
    entries: list[_Entry] = []
    rewritten = b"".join(_entries(raw.read(size), starts, entries))
    if len(entries) != count:
        raise zipfile.BadZipFile(f"{len(entries)} members in the directory, expected {count}")
    _fit(raw, sorted(entries), place, parts, starts)
    return io.BufferedReader(
        _Joined(files, starts, place, rewritten + _ending(place, len(rewritten), count)), 1 << 16
    )


class _Joined(io.RawIOBase):
    """Bytes of several files one after another up to `end`, then `tail`."""

    def __init__(
        self, files: Sequence[IO[bytes]], starts: list[int], end: int, tail: bytes
    ) -> None:
        self._files, self._starts, self._end, self._tail = files, starts, end, tail
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = self._end + len(self._tail)
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
        if self._at >= self._end:
            first = self._at - self._end
            return self._tail[first : first + size]
        number = bisect_right(self._starts, self._at, 0, len(self._files)) - 1
        stop = min(self._starts[number + 1], self._end)
        place = self._at - self._starts[number]
        return os.pread(self._files[number].fileno(), min(size, stop - self._at), place)


def _directory(raw: _Joined, parts: Sequence[Part], starts: list[int]) -> tuple[int, int, int]:
    """(place, bytes, members) of the central directory, the place counted over all parts."""
    last = starts[-1] - starts[-2]
    raw.seek(-min(last, _END.size + _LONGEST_COMMENT), os.SEEK_END)
    tail = raw.read()
    found = tail.rfind(b"PK\5\6")
    if found < 0 or len(tail) < found + _END.size:
        raise zipfile.BadZipFile(f"{parts[-1].name} is no last part of a split zip")
    _, disk, first, _, count, size, offset, _ = _END.unpack_from(tail, found)
    place = starts[-1] - len(tail) + found - _LOCATOR.size
    raw.seek(max(place, 0))
    locator = raw.read(_LOCATOR.size) if place > 0 else b""
    if locator[:4] == b"PK\6\7":
        _, where, offset_64, total = _LOCATOR.unpack(locator)
        _all_there(parts, total)
        raw.seek(starts[min(where, len(parts) - 1)] + offset_64)
        *_, disk, first, _, count, size, offset = _END_64.unpack(raw.read(_END_64.size))
    _all_there(parts, disk + 1)
    if first >= len(parts):
        raise zipfile.BadZipFile(f"its directory is in part {first + 1} of {len(parts)}")
    return starts[first] + offset, size, count


def _all_there(parts: Sequence[Part], total: int) -> None:
    stem = parts[-1].name[:-4]
    found = [part_of(part.name) for part in parts[:-1]]
    numbers = {part[1] for part in found if part}
    if absent := sorted(set(range(1, total)) - numbers):
        names = ", ".join(f"{stem}.z{number:02d}" for number in absent[:5])
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


def _entries(directory: bytes, starts: list[int], found: list[_Entry]) -> Iterator[bytes]:
    """The directory's entries again, with offsets over all parts; what they say goes to `found`."""
    at = 0
    while at < len(directory):
        if directory[at : at + 4] != b"PK\1\2":
            raise zipfile.BadZipFile("bad magic number for central directory")
        packed, unpacked, name, extra, comment, disk = struct.unpack_from(
            "<2L4H", directory, at + 20
        )
        (offset,) = struct.unpack_from("<L", directory, at + 42)
        named = at + 46 + name
        others, zip64 = _extras(directory[named : named + extra])
        wide = iter(struct.unpack(f"<{len(zip64) // 8}Q", zip64[: len(zip64) // 8 * 8]))
        sizes = [next(wide, size) for size in (unpacked, packed) if size == _UNSAID]
        offset = next(wide, offset) if offset == _UNSAID else offset
        if disk >= len(starts) - 1:
            raise zipfile.BadZipFile(f"a member in part {disk + 1} of {len(starts) - 1}")
        start = starts[disk] + offset
        field = struct.pack(f"<2H{len(sizes) + 1}Q", 1, 8 * len(sizes) + 8, *sizes, start)
        least = 30 + name + (sizes[-1] if packed == _UNSAID else packed)
        found.append(_Entry(disk, start, least, directory[at + 46 : named]))
        yield directory[at : at + 30]
        yield struct.pack("<3H", len(others) + len(field), comment, 0)
        yield directory[at + 36 : at + 42] + struct.pack("<L", _UNSAID)
        yield directory[at + 46 : named] + others + field
        at = named + extra + comment
        yield directory[named + extra : at]


def _extras(extra: bytes) -> tuple[bytes, bytes]:
    """(all extra fields but that of zip64, its content)."""
    others, zip64, at = b"", b"", 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        field = extra[at : at + 4 + size]
        if kind == 1:
            zip64 = field[4:]
        else:
            others += field
        at += 4 + size
    return others, zip64


def _fit(
    raw: _Joined, entries: list[_Entry], end: int, parts: Sequence[Part], starts: list[int]
) -> None:
    """Whether each member that goes on in the next part has all its bytes: else one is short."""
    following = [entry.start for entry in entries[1:]] + [end]
    for entry, after in zip(entries, following[: len(entries)], strict=True):
        border = starts[entry.part + 1]
        if after <= border and entry.start + entry.least <= after:
            continue
        raw.seek(entry.start)
        header = raw.read(30)
        named = len(header) == 30 and header[:4] == b"PK\3\4"
        extra = struct.unpack_from("<H", header, 28)[0] if named else after
        if entry.start > border or entry.start + entry.least + extra > after:
            last = bisect_right(starts, after - 1, 0, len(parts)) - 1
            there = range(entry.part, max(entry.part + 1, last if entry.start <= border else 0))
            short = min(there, key=lambda part: starts[part + 1] - starts[part])
            raise ArchiveError(
                f"{parts[short].name} is too short, {starts[short + 1] - starts[short]} bytes: "
                f"member {entry.name.decode(errors='replace')!r} is not all in it. Delete it and "
                "fetch it again."
            )


def _ending(place: int, size: int, count: int) -> bytes:
    """The end records of a zip64 that has its directory of `size` bytes at `place`."""
    end = _END_64.pack(
        b"PK\6\6", _END_64.size - 12, _MADE_BY, _MADE_BY, 0, 0, count, count, size, place
    )
    locator = _LOCATOR.pack(b"PK\6\7", 0, place + size, 1)
    return end + locator + _END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, _UNSAID, _UNSAID, 0)
