"""The kinds of file datasets come in (zip, tar, 7z, plain), each read as a list of members.

A member with an absolute path or "..", a link, a bomb or a damaged archive is an `ArchiveError`.
"""

import bz2
import gzip
import io
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

import py7zr
from py7zr.exceptions import ArchiveError as SevenZipError

MEDIA = (
    ".aac", ".aif", ".aiff", ".amr", ".au", ".avi", ".flac", ".m4a", ".mka", ".mkv", ".mov", ".mp2",
    ".mp3", ".mp4", ".oga", ".ogg", ".ogv", ".opus", ".sph", ".wav", ".webm", ".wma", ".wv",
)  # fmt: skip
_MEMBER_LIMIT = 4 << 30  # bytes; a member is handed over in memory
_RATIO_LIMIT = 200  # unpacked / packed, looked at beyond _RATIO_FROM
_RATIO_FROM = 1 << 30  # bytes
_BLOCK = 1 << 20
_OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".tar": lambda file: file,
    ".tar.gz": lambda file: gzip.GzipFile(fileobj=file),
    ".tgz": lambda file: gzip.GzipFile(fileobj=file),
    ".tar.bz2": bz2.BZ2File,
    ".tar.xz": lzma.LZMAFile,
}
_DAMAGE = (
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    NotImplementedError,  # a compression method zipfile does not know
    RuntimeError,  # an encrypted zip member
    SevenZipError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class ArchiveError(Exception):
    """An archive that cannot be used: damaged, or with a member that would leave its folder."""


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
        return sorted(
            path.relative_to(self._path).as_posix()
            for path in self._path.rglob("*")
            if path.is_file()
        )

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")

    def stream(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for name in self.members():
            if name in wanted:
                yield name, (self._path / name).read_bytes()


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
    """A zip file, members in the order of their bytes."""

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        with damage(name):
            self._zip = zipfile.ZipFile(path)
        gate = _Gate(name, path)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in sorted(self._zip.infolist(), key=lambda info: info.header_offset):
            if not info.is_dir():
                regular = not stat.S_ISLNK(info.external_attr >> 16)
                self._infos[gate.admit(info.filename, info.file_size, regular=regular)] = info

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
            yield from self._entries(file, "", _Gate(self._name, self._path))

    def _entries(
        self, file: IO[bytes], prefix: str, gate: "_Gate"
    ) -> Iterator[tuple[str, IO[bytes]]]:
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
        gate = _Gate(name, path)
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
            part.rename(self._folder)
        return self._folder


class _Gate:
    """Admits the members of one archive: name inside the folder, no link, no double, no bomb."""

    def __init__(self, archive: str, path: Path) -> None:
        self._archive = archive
        self._names: set[str] = set()
        self._total = 0
        self._most = max(_RATIO_FROM, _RATIO_LIMIT * path.stat().st_size)

    def admit(self, name: str, size: int, *, regular: bool, prefix: str = "") -> str:
        """The member's name in the tree, or an `ArchiveError`."""
        parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]
        clean = prefix + "/".join(parts)
        self._total += size
        if name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name):
            self._refuse(name, "points outside the folder it is unpacked into")
        if not regular:
            self._refuse(name, "is a link or a device")
        if clean in self._names:
            self._refuse(name, "is there twice")
        if size > _MEMBER_LIMIT:
            self._refuse(name, f"unpacks to {size} bytes (at most {_MEMBER_LIMIT})")
        if self._total > self._most:
            self._refuse(name, f"makes {self._total} bytes unpacked (at most {self._most})")
        self._names.add(clean)
        return clean

    def _refuse(self, member: str, why: str) -> NoReturn:
        raise ArchiveError(
            f"{self._archive}: member {member!r} {why}. Nothing of this archive is used; "
            "get it from the publisher again, or remove the member."
        )


@contextmanager
def damage(archive: str, member: str = "") -> Iterator[None]:
    """Turn what the readers of zip, tar and 7z raise on damaged bytes into an `ArchiveError`."""
    try:
        yield
    except _DAMAGE as error:
        where = f"{archive}: {member}" if member else archive
        raise ArchiveError(
            f"{where} cannot be read: {error or type(error).__name__}. Expected a whole, "
            "unencrypted archive; delete the file and fetch it again."
        ) from error


def suffix(name: str) -> str:
    """The suffix of `name` that says it is a tar (".tar.gz"), or ""."""
    return next((end for end in _OPENERS if name.lower().endswith(end)), "")
