"""The kinds of file datasets come in (zip, tar, 7z, plain), each read as a list of members.

A member with an absolute path or "..", a link, a bomb or a damaged archive is an `ArchiveError`.
"""

import bz2
import gzip
import io
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

import py7zr
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps import folders
from flows.steps.gate import ArchiveError, Gate, damage
from flows.steps.spanned import Part, joined

MEDIA = (
    ".aac", ".aif", ".aiff", ".amr", ".au", ".avi", ".flac", ".m4a", ".mka", ".mkv", ".mov", ".mp2",
    ".mp3", ".mp4", ".oga", ".ogg", ".ogv", ".opus", ".sph", ".wav", ".webm", ".wma", ".wv",
)  # fmt: skip
_BLOCK = 1 << 20
_UTF_8 = 1 << 11  # flag of a zip member: its name is in UTF-8
_UNICODE_PATH = 0x7075  # extra field of a zip member: its name again, in UTF-8 (Info-ZIP)
_UNIX = (3, 19)  # systems a zip says it was made on: Unix, OS X
_OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".tar": lambda file: file,
    ".tar.gz": lambda file: gzip.GzipFile(fileobj=file),
    ".tgz": lambda file: gzip.GzipFile(fileobj=file),
    ".tar.bz2": bz2.BZ2File,
    ".tar.xz": lzma.LZMAFile,
}


class Container(Protocol):
    """One published file. `members` and `stream` keep the order the file has them in."""

    def members(self) -> list[str]: ...

    def open(self, name: str) -> IO[bytes]: ...

    def stream(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]: ...


class Folder:
    """A licensed or unpacked copy: every file below a directory (links to files are followed)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def members(self) -> list[str]:
        return sorted(folders.files(self._path))

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")

    def stream(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for name in self.members():
            if name in wanted:
                yield name, (self._path / name).read_bytes()


class Listed(Folder):
    """Sounds fetched one by one: of a directory, what a ledger (REMOTES) says is there."""

    def __init__(self, path: Path, ledger: Path) -> None:
        super().__init__(path)
        self._ledger = ledger

    def members(self) -> list[str]:
        there = pq.read_table(self._ledger, columns=["name", "status"])
        return sorted(there.filter(pc.equal(there["status"], "ok"))["name"].to_pylist())


class Plain:
    """A file that is no archive: its own and only member."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name

    def members(self) -> list[str]:
        return [self._name]

    def open(self, name: str) -> IO[bytes]:
        return self._path.open("rb")

    def stream(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        if self._name in wanted:
            yield self._name, self._path.read_bytes()


class Zip:
    """A zip file, members in the order of their bytes; with `parts` before it, a split one."""

    def __init__(self, path: Path, name: str, parts: Sequence[Part] = ()) -> None:
        self._name = name
        whole = [*parts, Part(name, path)]
        with damage(name):
            self._zip = zipfile.ZipFile(joined(whole) if parts else path)
        gate = Gate(name, sum(part.path.stat().st_size for part in whole))
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in sorted(self._zip.infolist(), key=lambda info: info.header_offset):
            if not info.is_dir():
                regular = not stat.S_ISLNK(info.external_attr >> 16)
                clean = gate.admit(_spelled(info), info.file_size, regular=regular)
                self._infos[clean] = info

    def members(self) -> list[str]:
        return list(self._infos)

    def open(self, name: str) -> IO[bytes]:
        with damage(self._name, name):
            return io.BytesIO(self._zip.read(self._infos[name]))

    def stream(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for name, info in self._infos.items():
            if name in wanted:
                with damage(self._name, name):
                    data = self._zip.read(info)
                yield name, data


class Tar:
    """A tar, compressed or not, also with tars inside; every use is one pass over the file.

    The listing pass keeps the members that are no media (CSV, JSON, text) in `scratch`, so that
    opening them costs no further pass.
    """

    def __init__(self, path: Path, name: str, scratch: Path) -> None:
        self._path, self._name, self._scratch = path, name, scratch
        self._kept: dict[str, Path] = {}
        self._members: list[str] | None = None

    def members(self) -> list[str]:
        if self._members is None:
            members: list[str] = []
            with damage(self._name):
                for name, file in self._walk():
                    members.append(name)
                    if Path(name).suffix.lower() not in MEDIA:
                        with self._keep(name).open("wb") as out:
                            shutil.copyfileobj(file, out)
            self._members = members
        return self._members

    def open(self, name: str) -> IO[bytes]:
        self.members()
        if name not in self._kept:
            ((_, data),) = self.stream({name})
            self._keep(name).write_bytes(data)
        return self._kept[name].open("rb")

    def stream(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        left = set(wanted)
        with damage(self._name):
            for name, file in self._walk():
                if name in left:
                    left.discard(name)
                    yield name, file.read()
                    if not left:
                        return

    def _keep(self, name: str) -> Path:
        self._kept[name] = self._scratch / str(len(self._kept))
        return self._kept[name]

    def _walk(self) -> Iterator[tuple[str, IO[bytes]]]:
        opener = _OPENERS[suffix(self._name)]
        with self._path.open("rb") as packed, opener(packed) as file:
            yield from self._entries(file, "", Gate(self._name, self._path.stat().st_size))

    def _entries(self, file: IO[bytes], prefix: str, gate: Gate) -> Iterator[tuple[str, IO[bytes]]]:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            for info in tar:
                if info.isdir():
                    continue
                name = gate.admit(info.name, info.size, regular=info.isreg(), prefix=prefix)
                member = tar.extractfile(info)
                assert member is not None  # a regular file has bytes
                if inner := suffix(name):
                    with _OPENERS[inner](member) as unpacked:
                        yield from self._entries(unpacked, f"{name}/", gate)
                else:
                    yield name, member
                tar.members = []  # pyright: ignore[reportAttributeAccessIssue]  # else all stay in memory
        while file.read(_BLOCK):  # so that the checksum at the end of a gzip is compared
            pass


class SevenZip:
    """A 7z file, unpacked into `scratch` on its first use (its members are not random access)."""

    def __init__(self, path: Path, name: str, scratch: Path) -> None:
        self._path, self._name, self._folder = path, name, scratch / "7z"
        self._files: dict[str, str] = {}
        gate = Gate(name, path.stat().st_size)
        with damage(name), py7zr.SevenZipFile(path) as archive:
            for info in archive.list():
                if not info.is_directory:
                    clean = gate.admit(info.filename, info.uncompressed, regular=info.is_file)
                    self._files[clean] = info.filename

    def members(self) -> list[str]:
        return list(self._files)

    def open(self, name: str) -> IO[bytes]:
        return (self._unpack() / self._files[name]).open("rb")

    def stream(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for name, file in self._files.items():
            if name in wanted:
                yield name, (self._unpack() / file).read_bytes()

    def _unpack(self) -> Path:
        if not self._folder.exists():
            part = self._folder.with_suffix(".part")
            with damage(self._name), py7zr.SevenZipFile(self._path) as archive:
                archive.extractall(part)
            if any(path.is_symlink() for path in part.rglob("*")):
                raise ArchiveError(f"{self._name}: a link came out of it. Nothing of it is used.")
            part.rename(self._folder)
        return self._folder


def suffix(name: str) -> str:
    """The suffix of `name` that says it is a tar (".tar.gz"), or ""."""
    return next((end for end in _OPENERS if name.lower().endswith(end)), "")


def _spelled(info: zipfile.ZipInfo) -> str:
    """A zip member's name: Unix programs write UTF-8 without the flag, or in a field of its own."""
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


def packed(name: str) -> bool:
    """Whether a published file is an archive with members, by its name."""
    return bool(suffix(name)) or name.lower().endswith((".zip", ".7z"))
