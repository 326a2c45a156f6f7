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
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from flows.steps.containers import (
    MEDIA,
    Asked,
    Container,
    Folder,
    Listed,
    Plain,
    SevenZip,
    Tar,
    Zip,
    suffix,
)
from flows.steps.gate import ArchiveError
from flows.steps.spanned import Part, part_of
from schemas import Choice

__all__ = ["ArchiveError", "Member", "RawTree", "Source", "is_media"]

_NEAR = 20_000  # names looked at for a suggestion


@dataclass(frozen=True)
class Source:
    """One archive (or directory) of a tree: its published name, where it lies, its sha256.

    `ledger` (REMOTES) says which files of a directory count; without one all do.
    """

    name: str
    path: Path
    sha256: str
    ledger: Path | None = None


@dataclass(frozen=True)
class Member:
    """One member's bytes and the archive they came out of."""

    name: str
    archive: str
    archive_sha256: str
    data: bytes


class RawTree:
    """The members of all archives of a dataset under one set of names (see `schemas.Raw`).

    A name that an earlier archive has already is found as "<archive>/<name>". The parts of a split
    zip (x.z01, …, x.zip) are one archive, x.zip; `sources` has all of them. What has to be unpacked
    goes to a temporary folder under `scratch` that is removed with the tree.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        scratch: Path | None = None,
        choices: Sequence[Choice] = (),
        hidden: Collection[str] = (),
    ) -> None:
        """`hidden` are members that the tree is to be without."""
        self.sources = tuple(sources)
        self._hidden = hidden
        self._scratch = scratch
        self._choices = {choice.name: choice.value for choice in choices}
        self._trees = _grouped(self.sources)

    def choice(self, name: str) -> str:
        """The value of one of the dataset's `choices`."""
        return self._choices[name]

    def names(self, pattern: str = "*") -> list[str]:
        """Sorted member names that match a shell pattern (`*` crosses slashes)."""
        return sorted(fnmatch.filter(self.ordered(), pattern))

    def ordered(self) -> Iterator[str]:
        """All member names in the order in which `stream` yields them."""
        for number, container in enumerate(self._containers):
            for inner in container.members():
                if (name := self._name(number, inner)) not in self._hidden:
                    yield name

    def open(self, name: str) -> IO[bytes]:
        """The bytes of one member; `FileNotFoundError` names it and what is near."""
        if (found := self._place(name)) is None:
            raise FileNotFoundError(
                f"no member {name!r} in {', '.join(source.name for source in self.sources)}. "
                f"Near are: {', '.join(self._near(name)) or 'none'}."
            )
        number, inner = found
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
        for number, (source, _) in enumerate(self._trees):
            asked = self._asked(number, wanted)
            for inner, data in self._containers[number].stream(asked):
                yield Member(self._name(number, inner), source.name, source.sha256, data)

    def _asked(self, number: int, wanted: Collection[str]) -> Asked:
        def asked(inner: str) -> bool:
            name = self._name(number, inner)
            return name in wanted and name not in self._hidden

        return asked

    @cached_property
    def _containers(self) -> list[Container]:
        return [self._container(number, *tree) for number, tree in enumerate(self._trees)]

    @cached_property
    def _longer(self) -> dict[tuple[int, str], str]:
        """The names of members that are called like one of an earlier archive."""
        longer: dict[tuple[int, str], str] = {}
        all_names = [container.members() for container in self._containers]
        for number, (source, _) in enumerate(self._trees):
            for name in all_names[number] if number else ():
                if any(name in names for names in all_names[:number]) and name not in self._hidden:
                    other = f"{source.name}/{name}"
                    while any(other in names for names in all_names):
                        other = f"{source.name}/{other}"
                    longer[number, name] = other
        return longer

    @cached_property
    def _found(self) -> dict[str, tuple[int, str]]:
        return {name: place for place, name in self._longer.items()}

    def _name(self, number: int, inner: str) -> str:
        return self._longer.get((number, inner), inner)

    def _place(self, name: str) -> tuple[int, str] | None:
        """The archive that has a member, by number, and the member's name in there."""
        if name in self._found:
            return None if name in self._hidden else self._found[name]
        numbers = (n for n, tree in enumerate(self._containers) if name in tree.members())
        first = next(numbers, None)
        return None if first is None or name in self._hidden else (first, name)

    def _container(self, number: int, source: Source, parts: Sequence[Part]) -> Container:
        if source.path.is_dir():
            return Listed(source.path, source.ledger) if source.ledger else Folder(source.path)
        if suffix(source.name):
            return Tar(source.path, source.name, self._room(number))
        match PurePosixPath(source.name).suffix.lower():
            case ".zip":
                return Zip(source.path, source.name, parts)
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
        same = [other for other in self.ordered() if PurePosixPath(other).name == last][:3]
        return same or difflib.get_close_matches(name, list(islice(self.ordered(), _NEAR)), 3)


def _grouped(sources: Sequence[Source]) -> list[tuple[Source, list[Part]]]:
    """Every source with the parts that belong before it, which are those of a split zip."""
    stems = {source.name[:-4].lower() for source in sources if source.name.lower().endswith(".zip")}
    parts: dict[str, list[tuple[int, Part]]] = {}
    for source in sources:
        if found := part_of(source.name):
            if found[0].lower() not in stems:
                raise ArchiveError(
                    f"{source.name} is a part of a split zip, and its last part {found[0]}.zip is "
                    "missing. Expected all parts beside each other; fetch the dataset again."
                )
            part = Part(source.name, source.path)
            parts.setdefault(found[0].lower(), []).append((found[1], part))
    return [
        (source, [part for _, part in sorted(parts.get(source.name[:-4].lower(), []))])
        for source in sources
        if not part_of(source.name)
    ]


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
