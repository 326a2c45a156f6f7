"""One file over HTTP: resumed by Range, retried with back-off, tried at every mirror.

HTTP resume detects nothing, so the caller compares the checksum of the whole file afterwards.
"""

import contextlib
import errno
import random
import shutil
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path

import httpx

from flows.steps.addresses import AddressError, resolved
from flows.steps.progress import Progress

ATTEMPTS = 5  # in a row without _WORTH new bytes, at one address
_WORTH = 1 << 16  # bytes; an attempt that gave fewer counts as one that gave none
_BACK_OFF = 1.0  # s; doubled from attempt to attempt
_JITTER = (0.5, 1.5)  # times the back-off, so that many clients do not come back together
_LONGEST_WAIT = 300.0  # s; also where a server asks for more
_TIMEOUT = httpx.Timeout(30.0)
_SLOWEST = 1 << 16  # bytes in _WINDOW seconds; below it a connection counts as stalled
_WINDOW = 30.0  # s
_SPARE = 64 << 20  # bytes left free on the disk
_GATED = ", a gated file needs HF_TOKEN in the environment, and its terms accepted"
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class FetchError(Exception):
    """What could not be had: nothing answers, no access, no room. `code` is short: "http_404"."""

    def __init__(self, message: str, code: str = "fetch") -> None:
        super().__init__(message)
        self.code = code


class QuotaError(FetchError):
    """A service gives no more today; what came is kept, and a later run goes on from there."""


class _LaterError(Exception):
    """Worth another attempt, after `seconds` where the server said so."""

    def __init__(self, reason: str, code: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.code, self.seconds = code, seconds


class _RefusedError(Exception):
    """Not worth another attempt at this address."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class _Wanted:
    part: Path
    expected: int | None  # published size, bytes
    most: int | None  # bytes beyond which it cannot be what is wanted
    progress: Progress

    def have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0


@contextlib.contextmanager
def session() -> Iterator[httpx.Client]:
    """A client that follows redirects, for any number of files and threads."""
    direct = {"all://127.0.0.1": None}  # this machine is not reached through a proxy
    with httpx.Client(
        follow_redirects=True, timeout=_TIMEOUT, mounts=direct, verify=_tls()
    ) as client:
        yield client


def download(
    client: httpx.Client,
    addresses: tuple[str, ...],
    part: Path,
    expected: int | None,
    progress: Progress,
    *,
    most: int | None = None,
    attempts: int = ATTEMPTS,
) -> tuple[str, bool]:
    """Bring `part` to its full length from the first address that gives it.

    `expected` is the published size in bytes. A `part` that is there is continued. Returns the
    address, and whether the bytes came in more than one piece. Raises `FetchError` when every
    address fails or the disk is too small.
    """
    wanted = _Wanted(part, expected, most if expected is None else expected, progress)
    failures: list[str] = []
    code = "no_address"
    for address in addresses:
        try:
            return address, _persist(client, address, wanted, attempts)
        except (_LaterError, _RefusedError) as error:
            hint = _GATED if error.code in ("http_401", "http_403") else ""
            failures.append(f"{address}: {error}{hint if address.startswith('hf:') else ''}")
            code = error.code
        except (httpx.HTTPError, httpx.InvalidURL, AddressError) as error:
            failures.append(f"{address}: {_named(error)}")
            code = _code(error)
    raise FetchError(
        f"{part.stem} could not be downloaded: {'; '.join(failures)}. Run again to go on where it "
        "stopped, or put the file into a directory and give that with --raw.",
        code,
    )


def changed(client: httpx.Client, address: str, size: int, etag: str | None) -> bool:
    """Whether an address offers another file now than the one of `size` bytes and `etag`."""
    url, headers = resolved(address)
    with client.stream("GET", url, headers=headers | {"Accept-Encoding": "identity"}) as reply:
        if reply.status_code != 200:
            return False
        length, now = reply.headers.get("Content-Length"), reply.headers.get("ETag", "")
        other = bool(etag) and now.startswith('"') and now != etag
        return other or (length is not None and int(length) != size)


def need_room(folder: Path, size: int) -> None:
    """`FetchError` when the disk of `folder` has not `size` bytes to spare."""
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE:
        raise FetchError(
            f"{folder}: {(size + _SPARE) >> 20} MiB are needed, {free >> 20} MiB are free. "
            "Make room, or choose a lake on another disk with --lake.",
            "no_room",
        )


def retry_after(reply: httpx.Response) -> float | None:
    """The seconds a server asks to wait, given as a number or as a date."""
    asked = reply.headers.get("Retry-After", "")
    if asked.isdigit():
        return float(asked)
    with contextlib.suppress(ValueError):
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    return None


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # takes longer than fetching a small file


def _persist(client: httpx.Client, address: str, wanted: _Wanted, attempts: int) -> bool:
    attempt = 0
    pieces = 1 if wanted.have() else 0
    while True:
        before = wanted.have()
        try:
            _get(client, address, wanted)
            return pieces > 0
        except (_LaterError, httpx.TransportError) as error:
            got = wanted.have() - before
            pieces += wanted.have() > 0
            attempt = 1 if got >= _WORTH else attempt + 1
            if attempt >= attempts:
                raise
            asked = error.seconds if isinstance(error, _LaterError) else None
            wait = _BACK_OFF * 2 ** (attempt - 1) * random.uniform(*_JITTER)
            time.sleep(min(wait if asked is None else asked, _LONGEST_WAIT))


def _get(client: httpx.Client, address: str, wanted: _Wanted) -> None:
    part, have = wanted.part, wanted.have()
    url, headers = resolved(address)
    headers["Accept-Encoding"] = "identity"
    tag = part.with_suffix(".etag")  # so that two versions of a file are never joined
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.is_file():
            headers["If-Range"] = tag.read_text()
    with client.stream("GET", url, headers=headers) as reply:
        if reply.status_code == 416:  # the part is as long as the file, or longer
            if reply.headers.get("Content-Range") == f"bytes */{have}":
                return
            part.unlink()
            raise _LaterError("had more bytes than the server", "other_size", 0.0)
        _accept(reply)
        start = _start(reply, have)
        length = reply.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else wanted.expected
        if None not in (total, wanted.expected) and total != wanted.expected:
            reason = f"offers {total} bytes, published are {wanted.expected}"
            raise _RefusedError(reason, "other_size")
        need_room(part.parent, (total or 0) - start)
        _note(tag, reply.headers.get("ETag", ""))
        _receive(reply, wanted, start, total)


def _accept(reply: httpx.Response) -> None:
    """Raise unless the reply has the bytes; its URL may hold a signature and is not repeated."""
    status = reply.status_code
    if status in (200, 206):
        return
    if status in _AGAIN:
        raise _LaterError(f"HTTP {status}", f"http_{status}", retry_after(reply))
    if status in (401, 403) and reply.history:  # a link that a redirect gave may have expired
        raise _LaterError(f"HTTP {status} after a redirect", f"http_{status}")
    raise _RefusedError(f"HTTP {status}", f"http_{status}")


def _receive(reply: httpx.Response, wanted: _Wanted, start: int, total: int | None) -> None:
    label, whole = f"fetch {wanted.part.stem} MiB", -(-(total or 1) >> 20)
    done = mark = start
    since = time.monotonic()
    with _room_kept(wanted.part), wanted.part.open("r+b" if start else "wb") as out:
        out.seek(start)
        out.truncate()
        for block in reply.iter_raw():
            out.write(block)
            done += len(block)
            wanted.progress(label, min(done >> 20, whole - 1), whole)
            if wanted.most is not None and done > wanted.most:
                raise _RefusedError(f"gives more than {wanted.most} bytes", "other_size")
            if (now := time.monotonic()) - since >= _WINDOW:
                if done - mark < _SLOWEST:
                    reason = f"{done - mark} bytes in {now - since:.0f} s"
                    raise _LaterError(f"stalled: {reason}", "stalled")
                since, mark = now, done
    if total is not None and done < total:
        raise _LaterError(f"ended after {done} of {total} bytes", "broken_off")
    wanted.progress(label, whole, whole)


@contextlib.contextmanager
def _room_kept(part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise FetchError(
            f"{part}: no room left on its disk. What came so far is kept; make room and run "
            "again to go on from there, or choose a lake on another disk with --lake.",
            "no_room",
        ) from error


def _start(reply: httpx.Response, have: int) -> int:
    """Where the bytes of this reply begin in the file: 0 for a server that ignores ranges."""
    if reply.status_code != 206:
        return 0
    given = reply.headers.get("Content-Range", "")
    if not given.startswith(f"bytes {have}-"):
        reason = f"asked for bytes from {have}, got Content-Range {given!r}"
        raise _LaterError(reason, "wrong_range")
    return have


def _note(tag: Path, etag: str) -> None:
    if etag.startswith('"'):  # a weak one is no ground for joining bytes
        tag.write_text(etag)
    else:
        tag.unlink(missing_ok=True)


def _named(error: Exception) -> str:
    return str(error) or type(error).__name__


def _code(error: Exception) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        return "unreachable"
    return "broken_off" if isinstance(error, httpx.TransportError) else "bad_address"
