"""What an archive may hold: members inside its folder, no links, no bombs, undamaged bytes."""

import gzip
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from py7zr.exceptions import ArchiveError as SevenZipError

_MEMBER_LIMIT = 4 << 30  # bytes; a member is handed over in memory
_COUNT_LIMIT = 3_000_000  # members; AudioSet, the largest dataset, has 2.1 million clips
_RATIO_LIMIT = 200  # unpacked / packed, looked at beyond _RATIO_FROM
_RATIO_FROM = 1 << 30  # bytes
_PLAIN = re.compile(r"[^./\\:\0][^/\\:\0]*(?:/[^./\\:\0][^/\\:\0]*)*")
_DAMAGE = (
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    NotImplementedError,  # a compression method zipfile does not know
    RuntimeError,  # an encrypted zip member
    SevenZipError,
    struct.error,
    tarfile.TarError,
    ValueError,  # a name in another encoding than the header says, a negative offset
    zipfile.BadZipFile,
    zlib.error,
)


class ArchiveError(Exception):
    """An archive that cannot be used: damaged, or with a member that would leave its folder."""


class Gate:
    """Admits the members of one archive of `packed` bytes: no link, no double, no bomb."""

    def __init__(self, archive: str, packed: int) -> None:
        self._archive = archive
        self._names: set[str] = set()
        self._count = self._total = 0
        self._most = max(_RATIO_FROM, _RATIO_LIMIT * packed)

    def admit(self, name: str, size: int, *, regular: bool, prefix: str = "") -> str:
        """The member's name in the tree, or an `ArchiveError`."""
        clean = self.look_at(name, size, regular=regular, prefix=prefix)
        if clean in self._names:
            self.refuse_double(name)
        self._names.add(clean)
        return clean

    def look_at(self, name: str, size: int, *, regular: bool, prefix: str = "") -> str:
        """`admit` without a memory of the names: doubles are for the caller to find."""
        clean = prefix + inside(name)
        self._total += size
        if clean == prefix:
            self._refuse(name, "points outside the folder it is unpacked into")
        if not regular:
            self._refuse(name, "is a link or a device")
        if size > _MEMBER_LIMIT:
            self._refuse(name, f"unpacks to {size} bytes (at most {_MEMBER_LIMIT})")
        if self._total > self._most:
            self._refuse(name, f"makes {self._total} bytes unpacked (at most {self._most})")
        if self._count >= _COUNT_LIMIT:
            self._refuse(name, f"is one of more than {_COUNT_LIMIT} members")
        self._count += 1
        return clean

    def refuse_double(self, member: str) -> NoReturn:
        """The `ArchiveError` for a name that two members have."""
        self._refuse(member, "is there twice")

    def _refuse(self, member: str, why: str) -> NoReturn:
        raise ArchiveError(
            f"{self._archive}: member {member!r} {why}. Nothing of this archive is used; "
            "get it from the publisher again, or remove the member."
        )


def inside(name: str) -> str:
    """`name` as a relative path with "/", or "" where it would leave its folder."""
    if _PLAIN.fullmatch(name):  # what nearly all names are, found out fast
        return name
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]
    outside = name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name)
    return "" if outside or "\0" in name else "/".join(parts)


@contextmanager
def damage(archive: str, member: str = "") -> Iterator[None]:
    """Turn what the readers of zip, tar and 7z raise on damaged bytes into an `ArchiveError`."""
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of the bytes: bz2 raises a bare OSError
        where = f"{archive}: {member}" if member else archive
        raise ArchiveError(
            f"{where} cannot be read: {error or type(error).__name__}. Expected a whole, "
            "unencrypted archive; delete the file and fetch it again."
        ) from error
