"""One file over HTTP: resumed by Range, retried with back-off, tried at every mirror.

HTTP resume detects nothing, so the caller compares the checksum of the whole file afterwards.
"""

import contextlib
import shutil
import ssl
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path

import httpx

from flows.steps.progress import Progress

_ATTEMPTS = 5  # in a row without a new byte, at one address
_BACK_OFF = 1.0  # s; doubled from attempt to attempt
_LONGEST_WAIT = 300.0  # s; also where a server asks for more
_TIMEOUT = httpx.Timeout(30.0)
_SPARE = 64 << 20  # bytes left free on the disk
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class FetchError(Exception):
    """An archive that could not be had: nothing answers, no access, no room."""


class _LaterError(Exception):
    """Worth another attempt, after `seconds` where the server said so."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class _OtherSizeError(Exception):
    """What an address offers cannot be the published file."""


def download(
    addresses: tuple[str, ...], part: Path, expected: int | None, progress: Progress
) -> tuple[str, bool]:
    """Bring `part` to its full length from the first address that gives it.

    `expected` is the published size in bytes. A `part` that is there is continued. Returns the
    address, and whether the bytes came in more than one piece. Raises `FetchError` when every
    address fails or the disk is too small.
    """
    failures: list[str] = []
    direct = {"all://127.0.0.1": None}  # this machine is not reached through a proxy
    with httpx.Client(
        follow_redirects=True, timeout=_TIMEOUT, mounts=direct, verify=_tls()
    ) as client:
        for address in addresses:
            try:
                return address, _persist(client, address, part, expected, progress)
            except (_LaterError, _OtherSizeError, httpx.HTTPError, httpx.InvalidURL) as error:
                failures.append(f"{address}: {str(error) or type(error).__name__}")
    raise FetchError(
        f"{part.stem} could not be downloaded: {'; '.join(failures)}. Run again to go on where it "
        "stopped, or put the file into a directory and give that with --raw."
    )


def need_room(folder: Path, size: int) -> None:
    """`FetchError` when the disk of `folder` has not `size` bytes to spare."""
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE:
        raise FetchError(
            f"{folder}: {(size + _SPARE) >> 20} MiB are needed, {free >> 20} MiB are free. "
            "Make room, or choose a lake on another disk with --lake."
        )


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # takes longer than fetching a small file


def _persist(
    client: httpx.Client, address: str, part: Path, expected: int | None, progress: Progress
) -> bool:
    attempt = 0
    pieces = 1 if _size(part) else 0
    while True:
        before = _size(part)
        try:
            _get(client, address, part, expected, progress)
            return pieces > 0
        except (_LaterError, httpx.TransportError) as error:
            pieces += _size(part) > 0
            attempt = 1 if _size(part) > before else attempt + 1
            if attempt >= _ATTEMPTS:
                raise
            asked = error.seconds if isinstance(error, _LaterError) else None
            wait = _BACK_OFF * 2 ** (attempt - 1) if asked is None else asked
            time.sleep(min(wait, _LONGEST_WAIT))


def _get(
    client: httpx.Client, address: str, part: Path, expected: int | None, progress: Progress
) -> None:
    have = _size(part)
    tag = part.with_suffix(".etag")  # so that two versions of a file are never joined
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.is_file():
            headers["If-Range"] = tag.read_text()
    with client.stream("GET", address, headers=headers) as reply:
        if reply.status_code == 416:  # the part is as long as the file, or longer
            if reply.headers.get("Content-Range") == f"bytes */{have}":
                return
            part.unlink()
            raise _LaterError("had more bytes than the server", 0.0)
        if reply.status_code in _AGAIN:
            raise _LaterError(f"HTTP {reply.status_code}", _retry_after(reply))
        reply.raise_for_status()
        start = _start(reply, have)
        length = reply.headers.get("Content-Length")
        total = start + int(length) if length else expected
        if None not in (total, expected) and total != expected:
            raise _OtherSizeError(f"offers {total} bytes, published are {expected}")
        need_room(part.parent, (total or 0) - start)
        _note(tag, reply.headers.get("ETag", ""))
        _receive(reply, part, start, total, progress)


def _receive(
    reply: httpx.Response, part: Path, start: int, total: int | None, progress: Progress
) -> None:
    label, whole = f"fetch {part.stem} MiB", -(-(total or 1) >> 20)
    with part.open("r+b" if start else "wb") as out:
        out.seek(start)
        out.truncate()
        done = start
        for block in reply.iter_raw():
            out.write(block)
            done += len(block)
            progress(label, min(done >> 20, whole - 1), whole)
    if total is not None and done < total:
        raise _LaterError(f"ended after {done} of {total} bytes")
    progress(label, whole, whole)


def _start(reply: httpx.Response, have: int) -> int:
    """Where the bytes of this reply begin in the file: 0 for a server that ignores ranges."""
    if reply.status_code != 206:
        return 0
    given = reply.headers.get("Content-Range", "")
    if not given.startswith(f"bytes {have}-"):
        raise _LaterError(f"asked for bytes from {have}, got Content-Range {given!r}")
    return have


def _note(tag: Path, etag: str) -> None:
    if etag.startswith('"'):  # a weak one is no ground for joining bytes
        tag.write_text(etag)
    else:
        tag.unlink(missing_ok=True)


def _retry_after(reply: httpx.Response) -> float | None:
    asked = reply.headers.get("Retry-After", "")
    if asked.isdigit():
        return float(asked)
    with contextlib.suppress(ValueError):
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    return None


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
