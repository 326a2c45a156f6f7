"""The directory of a zip as a collection of names that keeps 16 bytes a member in memory.

A name is read again where it is needed, by the place of its entry or by its hash. The standard
library understands the entries and reads the members, but is handed a few entries at a time: of a
whole directory it would make one object of 770 bytes a member.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

import numpy as np

from flows.steps.gate import ArchiveError, Gate, inside
from flows.steps.spanned import Joined, Numbers, Part, bounds, ending, short_part

_BATCH = 256  # entries that exist as objects at a time
_BUFFER = 1 << 16
_ENTRY, _HEADER = 46, 30  # bytes of an entry, and of a member's header, before the name
_FAR = 1 << 60  # bytes; the sum of two such fits into 64 bits
_UTF_8 = 1 << 11  # flag of a member: its name is in UTF-8
_UNICODE_PATH = 0x7075  # extra field of a member: its name again, in UTF-8 (Info-ZIP)
_UNIX = (3, 19)  # systems a zip says it was made on: Unix, OS X

Places = Iterable[tuple[int, bytes]]  # of entries in the directory, and their bytes


class Directory(Collection[str]):
    """Names of a zip's members in the order of their bytes; `gate` looks at each."""

    def __init__(self, parts: Sequence[Part], gate: Gate) -> None:
        joined = Joined(parts)
        self._parts, self._starts = parts, joined.starts
        self._file = io.BufferedReader(joined, _BUFFER)
        self._zip = zipfile.ZipFile(self._file)
        self._bounds = bounds(self._file, parts, joined.starts)
        place, start, hashes, *others = self._listed(gate)
        order = np.argsort(start, kind="stable")
        self._places = place[order]
        if others:
            self._all_there(start[order], *(column[order] for column in others))
        del start, order  # a third of the peak
        order = np.argsort(hashes)
        self._hashes = hashes[order]
        self._by_hash = place[order]
        self._refuse_doubles(gate)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.files())

    def __contains__(self, name: object) -> bool:
        return any(self._named(name))

    def files(self) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        """Every name with what `read` needs."""
        for info in self._at(self._places):
            yield inside(_spelled(info)), info

    def find(self, name: str) -> zipfile.ZipInfo:
        """What `read` needs to read the member of this name; `KeyError`."""
        for info in self._named(name):
            return info
        raise KeyError(name)

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """A member's bytes, their checksum compared."""
        here = zipfile.ZipInfo(info.orig_filename)
        here.flag_bits, here.compress_type, here.CRC = info.flag_bits, info.compress_type, info.CRC
        here.compress_size, here.file_size = info.compress_size, info.file_size
        here.header_offset = self._start(info)
        return self._zip.read(here)

    def _listed(self, gate: Gate) -> list[Numbers]:
        """Of each file: its entry's place, first byte, hash; of a split zip part, least bytes."""
        most = self._bounds.size // _ENTRY + 1  # memory that is not written to is not taken
        others = 2 if len(self._parts) > 1 else 0
        columns = [np.empty(most, np.min_scalar_type(self._bounds.size))]
        columns += [np.empty(most, np.int64) for _ in range(2 + others)]
        count = 0
        for place, info in _understood(self._walk()):
            if info.filename.endswith("/"):
                continue
            regular = not stat.S_ISLNK(info.external_attr >> 16)
            name = gate.look_at(_spelled(info), info.file_size, regular=regular)
            least = _HEADER + min(info.compress_size, _FAR)
            facts = (place, self._start(info), hash(name), info.volume, least)
            for column, fact in zip(columns, facts, strict=False):
                column[count] = fact
            count += 1
        return [column[:count] for column in columns]

    def _walk(self) -> Places:
        at = count = 0
        while at < self._bounds.size:
            entry = self._entry(at)
            yield at, entry
            at += len(entry)
            count += 1
        if self._bounds.members not in (None, count):
            raise zipfile.BadZipFile(
                f"{count} members in the directory, expected {self._bounds.members}"
            )

    def _entry(self, at: int) -> bytes:
        self._file.seek(self._bounds.place + at)
        first = self._file.read(_ENTRY)
        if len(first) != _ENTRY or first[:4] != b"PK\1\2":
            raise zipfile.BadZipFile("Bad magic number for central directory")
        size = sum(struct.unpack_from("<3H", first, 28))  # name, extra fields, comment
        if at + _ENTRY + size > self._bounds.size:
            raise zipfile.BadZipFile("Truncated central directory")
        return first + self._file.read(size)

    def _at(self, places: Iterable[int]) -> Iterator[zipfile.ZipInfo]:
        entries = ((int(place), self._entry(int(place))) for place in places)
        return (info for _, info in _understood(entries))

    def _named(self, name: object) -> Iterator[zipfile.ZipInfo]:
        value = np.int64(hash(name))
        at = int(np.searchsorted(self._hashes, value))
        while at < len(self) and self._hashes[at] == value:
            (info,) = self._at(self._by_hash[at : at + 1])
            if inside(_spelled(info)) == name:
                yield info
            at += 1

    def _refuse_doubles(self, gate: Gate) -> None:
        same = np.flatnonzero(self._hashes[1:] == self._hashes[:-1])
        for info in self._at(self._by_hash[same]):
            name = inside(_spelled(info))
            if len(list(self._named(name))) > 1:
                gate.refuse_double(name)

    def _start(self, info: zipfile.ZipInfo) -> int:
        """The first byte of a member, counted over all parts."""
        start = info.header_offset + self._bounds.shift
        if len(self._parts) > 1:
            if info.volume >= len(self._parts):
                raise zipfile.BadZipFile(
                    f"a member in part {info.volume + 1} of {len(self._parts)}"
                )
            start += self._starts[info.volume]
        if not 0 <= start < _FAR:
            raise zipfile.BadZipFile(f"member {info.filename!r} at byte {start}")
        return start

    def _all_there(self, start: Numbers, part: Numbers, least: Numbers) -> None:
        members = part, start, least
        if found := short_part(self._file, self._starts, members, self._bounds.place):
            (info,) = self._at(self._places[found[0] : found[0] + 1])
            size = self._starts[found[1] + 1] - self._starts[found[1]]
            raise ArchiveError(
                f"{self._parts[found[1]].name} is too short, {size} bytes: member "
                f"{_spelled(info)!r} is not all in it. Delete it and fetch it again."
            )


def _understood(entries: Places) -> Iterator[tuple[int, zipfile.ZipInfo]]:
    """Entries as the standard library reads them, each with its place."""
    entries = iter(entries)
    while batch := list(islice(entries, _BATCH)):
        listed = b"".join(entry for _, entry in batch)
        with zipfile.ZipFile(io.BytesIO(listed + ending(0, len(listed), len(batch)))) as few:
            for (place, _), info in zip(batch, few.infolist(), strict=True):
                yield place, info


def _spelled(info: zipfile.ZipInfo) -> str:
    """A member's name: Unix programs write UTF-8 without the flag, or in a field of its own."""
    if info.flag_bits & _UTF_8 or info.orig_filename.isascii():
        return info.filename
    raw = info.orig_filename.encode("cp437", "replace")  # what zipfile took the bytes for
    at = 0
    while at + 9 <= len(info.extra):
        kind, size = struct.unpack_from("<2H", info.extra, at)
        field = info.extra[at + 4 : at + 4 + size]
        if kind == _UNICODE_PATH and struct.unpack_from("<L", field, 1)[0] == zlib.crc32(raw):
            return field[5:].decode()
        at += 4 + size
    if info.create_system in _UNIX:
        with suppress(UnicodeDecodeError):
            return raw.decode()
    return info.filename
