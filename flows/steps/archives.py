"""A dataset's raw archives as one tree of member names: what `schemas.Raw` promises."""

import csv
import difflib
import fnmatch
import io
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterable, Iterator, Sequence
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
from schemas import Choice

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

    def __init__(
        self,
        sources: Sequence[Source],
        scratch: Path | None = None,
        choices: Sequence[Choice] = (),
    ) -> None:
        self.sources = tuple(sources)
        self._scratch = scratch
        self._choices = {choice.name: choice.value for choice in choices}

    def choice(self, name: str) -> str:
        """The value of one of the dataset's `choices`."""
        return self._choices[name]

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
        self,
        name: str,
        encoding: str = "utf-8",
        delimiter: str = ",",
        *,
        columns: Sequence[str] = (),
        header: Sequence[str] | None = None,
        comment: str = "",
    ) -> Iterator[dict[str, str]]:
        """Rows of one CSV member by column name (see `schemas.Raw`).

        A cell that is missing is ""; surplus cells are joined under the key "". `ArchiveError` when
        the bytes are no such CSV, or a column of `columns` is not in the header line.
        """
        encoding = "utf-8-sig" if encoding == "utf-8" else encoding  # without the mark of order
        mark, spaced = delimiter[0], len(delimiter) > 1
        with self.open(name) as file:
            text: Iterable[str] = io.TextIOWrapper(file, encoding=encoding, newline="")
            if comment:
                text = (line for line in text if not line.startswith(comment))
            try:
                found = csv.DictReader(
                    text, header, "", "", delimiter=mark, skipinitialspace=spaced
                )
                _need(name, columns, found.fieldnames or ())
                for row in found:
                    if isinstance(surplus := row.get(""), list):
                        row[""] = mark.join(surplus)
                    yield row
            except (csv.Error, UnicodeDecodeError) as error:
                raise ArchiveError(
                    f"{name}: {error}. Expected a CSV in {encoding} separated by {mark!r}; "
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


def _need(name: str, columns: Sequence[str], found: Sequence[str]) -> None:
    if missing := [column for column in columns if column not in found]:
        raise ArchiveError(
            f"{name}: its header lacks {', '.join(missing)}. Expected the columns "
            f"{', '.join(columns)}; found {', '.join(found) or 'none'}. The publisher changed the "
            "file, or it is another one: correct its reader in flows/datasets."
        )


def is_media(name: str) -> bool:
    """Whether a member's suffix says that it is sound or video."""
    return PurePosixPath(name).suffix.lower() in MEDIA
