"""A zip cut into the parts x.z01, x.z02, …, x.zip, with part numbers and offsets inside parts.

As Info-ZIP's `zip -s` does it (PKWARE, APPNOTE.TXT, sections 4.3.7 to 4.3.16): four bytes mark the
first part, no header is cut in two, and the directory is all in the last part.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator

_MARK = b"PK\7\x08"
_END = struct.Struct("<4s4H2LH")


def split(name: str, whole: bytes, parts: int) -> dict[str, bytes]:
    """The files that the zip `whole`, called `name`, becomes in at most `parts` parts."""
    body = bytearray(_MARK + whole)
    _, _, _, _, count, size, offset, _ = _END.unpack(whole[-_END.size :])
    directory = offset + len(_MARK)
    places = list(_places(body, directory, size))
    headers = [(start, start + length) for _, start, length in places]
    cuts = sorted({0, *(_cut(directory * k // parts, headers) for k in range(1, parts))})
    for at, start, _ in places:
        part = bisect_right(cuts, start) - 1
        struct.pack_into("<H", body, at + 34, part)
        struct.pack_into("<L", body, at + 42, start - cuts[part])
    last = len(cuts) - 1
    end = _END.pack(b"PK\5\6", last, last, count, count, size, directory - cuts[-1], 0)
    body[-_END.size :] = end
    pieces = [bytes(body[a:b]) for a, b in zip(cuts, [*cuts[1:], len(body)], strict=True)]
    stem = name.removesuffix(".zip")
    names = [*(f"{stem}.z{number:02d}" for number in range(1, len(pieces))), name]
    return dict(zip(names, pieces, strict=True))


def _places(body: bytearray, at: int, size: int) -> Iterator[tuple[int, int, int]]:
    """(entry in the directory, its local header, that header's bytes) of every member."""
    end = at + size
    while at < end:
        name, extra, comment = struct.unpack_from("<3H", body, at + 28)
        start = struct.unpack_from("<L", body, at + 42)[0] + len(_MARK)
        header = 30 + sum(struct.unpack_from("<2H", body, start + 26))
        yield at, start, header
        at += 46 + name + extra + comment


def _cut(place: int, headers: list[tuple[int, int]]) -> int:
    """`place`, or the start of the local header that it would cut."""
    return next((start for start, end in headers if start < place < end), place)
