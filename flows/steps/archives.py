"""A dataset's raw archives as one tree of member names: what `schemas.Raw` promises."""

import csv
import difflib
import fnmatch
import io
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO

from flows.steps.containers import (
    MEDIA,
    ArchiveError,
    Container,
    Folder,
    Plain,
    SevenZip,
    Tar,
    Zip,
    suffix,
)

__all__ = ["ArchiveError", "Member", "RawTree", "Source", "is_media"]

_NEAR = 20_000  # names looked at for a suggestion


@dataclass(frozen=True)
class Source:
    """One archive (or directory) of a tree: its published name, where it lies, its sha256."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class Member:
    """One member's bytes and the archive they came out of."""

    name: str
    archive: str
    archive_sha256: str
    data: bytes


class RawTree:
    """The members of all archives of a dataset under one set of names (see `schemas.Raw`).

    A name that an earlier archive has already is found as "<archive>/<name>". What has to be
    unpacked goes to a temporary folder under `scratch` that is removed with the tree.
    """

    def __init__(self, sources: Sequence[Source], scratch: Path | None = None) -> None:
        self.sources = tuple(sources)
        self._scratch = scratch

    def names(self, pattern: str = "*") -> list[str]:
        """Sorted member names that match a shell pattern (`*` crosses slashes)."""
        return sorted(fnmatch.filter(self._index, pattern))

    def ordered(self) -> list[str]:
        """All member names in the order in which `stream` yields them."""
        return list(self._index)

    def open(self, name: str) -> IO[bytes]:
        """The bytes of one member; `FileNotFoundError` names it and what is near."""
        if name not in self._index:
            raise FileNotFoundError(
                f"no member {name!r} in {', '.join(source.name for source in self.sources)}. "
                f"Near are: {', '.join(self._near(name)) or 'none'}."
            )
        number, inner = self._index[name]
        return self._containers[number].open(inner)

    def csv(
        self, name: str, encoding: str = "utf-8", delimiter: str = ","
    ) -> Iterator[dict[str, str]]:
        """Rows of one CSV member with a header line.

        A cell that is missing is ""; surplus cells are joined under the key "".
        """
        encoding = "utf-8-sig" if encoding == "utf-8" else encoding  # without the mark of order
        with self.open(name) as file:
            lines = io.TextIOWrapper(file, encoding=encoding, newline="")
            try:
                for row in csv.DictReader(lines, restkey="", restval="", delimiter=delimiter):
                    if isinstance(surplus := row.get(""), list):
                        row[""] = delimiter.join(surplus)
                    yield row
            except (csv.Error, UnicodeDecodeError) as error:
                raise ArchiveError(
                    f"{name}: {error}. Expected a CSV in {encoding} separated by {delimiter!r}; "
                    "look at the file, or correct its reader in flows/datasets."
                ) from error

    def stream(self, wanted: Collection[str]) -> Iterator[Member]:
        """The wanted members in archive order, one pass an archive; absent ones passed over."""
        for number, source in enumerate(self.sources):
            names = {
                inner: name
                for name, (where, inner) in self._index.items()
                if where == number and name in wanted
            }
            if names:
                for inner, data in self._containers[number].stream(names):
                    yield Member(names[inner], source.name, source.sha256, data)

    @cached_property
    def _containers(self) -> list[Container]:
        return [self._container(number, source) for number, source in enumerate(self.sources)]

    @cached_property
    def _index(self) -> dict[str, tuple[int, str]]:
        index: dict[str, tuple[int, str]] = {}
        for number, container in enumerate(self._containers):
            for inner in container.members():
                name = inner if inner not in index else f"{self.sources[number].name}/{inner}"
                index[name] = (number, inner)
        return index

    def _container(self, number: int, source: Source) -> Container:
        if source.path.is_dir():
            return Folder(source.path)
        if suffix(source.name):
            return Tar(source.path, source.name, self._room(number))
        match PurePosixPath(source.name).suffix.lower():
            case ".zip":
                return Zip(source.path, source.name)
            case ".7z":
                return SevenZip(source.path, source.name, self._room(number))
            case _:
                return Plain(source.path, source.name)

    @cached_property
    def _temporary(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="raw-", dir=self._scratch))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _room(self, number: int) -> Path:
        room = self._temporary / str(number)
        room.mkdir()
        return room

    def _near(self, name: str) -> list[str]:
        last = PurePosixPath(name).name
        same = [other for other in self._index if PurePosixPath(other).name == last][:3]
        return same or difflib.get_close_matches(name, list(self._index)[:_NEAR], 3)


def is_media(name: str) -> bool:
    """Whether a member's suffix says that it is sound or video."""
    return PurePosixPath(name).suffix.lower() in MEDIA
