"""Archives with bytes that depend on their content alone: fixed times, owners, modes and order."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from typing import NamedTuple

import py7zr
from py7zr.helpers import ArchiveTimestamp

from flows.mini.split import split

Tree = dict[str, "Content"]


class Split(NamedTuple):
    """A tree that its publisher gives as a split zip: its key "x.zip" becomes x.z01, …, x.zip."""

    members: Tree
    parts: int = 3


# a member, how to make it, an archive inside, or (at the top) a split zip
Content = bytes | Callable[[], bytes] | Tree | Split

_MODE = 0o644
_ZIP_TIME = (2023, 12, 1, 0, 0, 0)
_UNIX_TIME = 1_701_388_800  # the same day
_SEVEN_ZIP_TIME = ArchiveTimestamp((_UNIX_TIME + 11_644_473_600) * 10_000_000)  # 100 ns since 1601


def files(name: str, content: Content, made: Callable[[], None] = lambda: None) -> dict[str, bytes]:
    """The published files that `name` of a dataset's tree becomes: one, or the parts of a zip."""
    if isinstance(content, Split):
        return split(name, packed(name, content.members, made), content.parts)
    return {name: packed(name, content, made)}


def packed(name: str, content: Content, made: Callable[[], None] = lambda: None) -> bytes:
    """The bytes of `name`: a Tree is packed by the kind its name ends in; `made` counts members."""
    if isinstance(content, Split):
        raise TypeError(f"{name}: a split zip is no member of another archive")
    if isinstance(content, dict):
        members = {member: packed(member, inner, made) for member, inner in content.items()}
        return next(pack for kind, pack in _KINDS.items() if name.endswith(kind))(members)
    made()
    return content if isinstance(content, bytes) else content()


def size(content: Content) -> int:
    """How many members `files` will make."""
    tree = content.members if isinstance(content, Split) else content
    return sum(map(size, tree.values())) if isinstance(tree, dict) else 1


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _ZIP_TIME)
            info.create_system = 3  # Unix, wherever this runs
            info.external_attr = _MODE << 16
            archive.writestr(info, data)
    return out.getvalue()


def _tar_gz(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=out, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), _MODE, _UNIX_TIME
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _seven_zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", filters=[{"id": py7zr.FILTER_COPY}]) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
        for info in archive.files.files_list:
            info["creationtime"] = info["lastwritetime"] = info["lastaccesstime"] = _SEVEN_ZIP_TIME
    return out.getvalue()


_KINDS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    ".zip": _zip,
    ".tar.gz": _tar_gz,
    ".7z": _seven_zip,
}
