"""The kinds of file datasets come in (zip, tar, 7z, plain), each read as a list of members.

A member with an absolute path or "..", a link, a bomb or a damaged archive is an `ArchiveError`.
"""

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Protocol

import py7zr
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps import folders
from flows.steps.directory import Directory
from flows.steps.gate import ArchiveError, Gate, damage
from flows.steps.spanned import Part

MEDIA = (
    ".aac", ".aif", ".aiff", ".amr", ".au", ".avi", ".flac", ".m4a", ".mka", ".mkv", ".mov", ".mp2",
    ".mp3", ".mp4", ".oga", ".ogg", ".ogv", ".opus", ".sph", ".wav", ".webm", ".wma", ".wv",
)  # fmt: skip
_BLOCK = 1 << 20
_OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".tar": lambda file: file,
    ".tar.gz": lambda file: gzip.GzipFile(fileobj=file),
    ".tgz": lambda file: gzip.GzipFile(fileobj=file),
    ".tar.bz2": bz2.BZ2File,
    ".tar.xz": lzma.LZMAFile,
}


Asked = Callable[[str], bool]  # whether a member is wanted


class Container(Protocol):
    """One published file. `members` and `stream` keep the order the file has them in."""

    def members(self) -> Collection[str]: ...

    def open(self, name: str) -> IO[bytes]: ...

    def stream(self, asked: Asked) -> Iterator[tuple[str, bytes]]: ...


class Folder:
    """A licensed or unpacked copy: every file below a directory (links to files are followed)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def members(self) -> Collection[str]:
        return self._files

    @cached_property
    def _files(self) -> dict[str, None]:
        return dict.fromkeys(sorted(self._walked()))

    def _walked(self) -> Iterable[str]:
        return folders.files(self._path)

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")

    def stream(self, asked: Asked) -> Iterator[tuple[str, bytes]]:
        for name in self.members():
            if asked(name):
                yield name, (self._path / name).read_bytes()


class Listed(Folder):
    """Sounds fetched one by one: of a directory, what a ledger (REMOTES) says is there."""

    def __init__(self, path: Path, ledger: Path) -> None:
        super().__init__(path)
        self._ledger = ledger

    def _walked(self) -> Iterable[str]:
        there = pq.read_table(self._ledger, columns=["name", "status"])
        return there.filter(pc.equal(there["status"], "ok"))["name"].to_pylist()


class Plain:
    """A file that is no archive: its own and only member."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name

    def members(self) -> Collection[str]:
        return [self._name]

    def open(self, name: str) -> IO[bytes]:
        return self._path.open("rb")

    def stream(self, asked: Asked) -> Iterator[tuple[str, bytes]]:
        if asked(self._name):
            yield self._name, self._path.read_bytes()


class Zip:
    """A zip file, members in the order of their bytes; with `parts` before it, a split one."""

    def __init__(self, path: Path, name: str, parts: Sequence[Part] = ()) -> None:
        self._name = name
        whole = [*parts, Part(name, path)]
        gate = Gate(name, sum(part.path.stat().st_size for part in whole))
        with damage(name):
            self._directory = Directory(whole, gate)

    def members(self) -> Collection[str]:
        return self._directory

    def open(self, name: str) -> IO[bytes]:
        with damage(self._name, name):
            return io.BytesIO(self._directory.read(self._directory.find(name)))

    def stream(self, asked: Asked) -> Iterator[tuple[str, bytes]]:
        for name, info in self._directory.files():
            if asked(name):
                with damage(self._name, name):
                    data = self._directory.read(info)
                yield name, data


class Tar:
    """A tar, compressed or not, also with tars inside; every use is one pass over the file.

    The listing pass keeps the members that are no media (CSV, JSON, text) in `scratch`, so that
    opening them costs no further pass.
    """

    def __init__(self, path: Path, name: str, scratch: Path) -> None:
        self._path, self._name, self._scratch = path, name, scratch
        self._kept: dict[str, Path] = {}
        self._members: dict[str, None] | None = None

    def members(self) -> Collection[str]:
        if self._members is None:
            members: dict[str, None] = {}
            with damage(self._name):
                for name, file in self._walk():
                    members[name] = None
                    if Path(name).suffix.lower() not in MEDIA:
                        with self._keep(name).open("wb") as out:
                            shutil.copyfileobj(file, out)
            self._members = members
        return self._members

    def open(self, name: str) -> IO[bytes]:
        self.members()
        if name not in self._kept:
            ((_, data),) = self.stream(name.__eq__)
            self._keep(name).write_bytes(data)
        return self._kept[name].open("rb")

    def stream(self, asked: Asked) -> Iterator[tuple[str, bytes]]:
        left = sum(map(asked, self.members()))
        if not left:
            return
        with damage(self._name):
            for name, file in self._walk():
                if asked(name):
                    left -= 1
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

    def members(self) -> Collection[str]:
        return self._files

    def open(self, name: str) -> IO[bytes]:
        return (self._unpack() / self._files[name]).open("rb")

    def stream(self, asked: Asked) -> Iterator[tuple[str, bytes]]:
        for name, file in self._files.items():
            if asked(name):
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


def packed(name: str) -> bool:
    """Whether a published file is an archive with members, by its name."""
    return bool(suffix(name)) or name.lower().endswith((".zip", ".7z"))
