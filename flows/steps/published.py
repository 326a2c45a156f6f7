"""The archives of a dataset as its publisher has them: side by side, verified, renamed last."""

import contextvars
import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from flows.steps import freesound
from flows.steps.addresses import AddressError, host
from flows.steps.download import FetchError, changed, download, need_room, session
from flows.steps.lake import Lake
from flows.steps.polite import Hosts
from flows.steps.progress import Progress
from schemas import Archive, Dataset

_AT_ONCE = 4  # archives of one dataset
_AT_ONE_HOST = 2
_BLOCK = 1 << 20
_LONG = 1 << 30  # bytes; what takes a second to hash

Line = dict[str, Any]  # of FETCHES


class ChecksumError(Exception):
    """A file that is not the one the publisher describes."""


class _StoppedError(Exception):
    """Another archive failed, so that this one is left as it is for the next run."""


def published(
    dataset: Dataset, lake: Lake, known: Sequence[Line], progress: Progress, refresh: bool
) -> list[Line]:
    """The ledger lines of all archives, fetched from their publisher where they are not there.

    With `refresh` a file that differs from the `known` line, or that the publisher changed, is
    fetched again. The first failure stops the others; their parts are continued by the next run.
    """
    folder = lake.raw(dataset.name)
    absent = [archive for archive in dataset.archives if not (folder / archive.name).is_file()]
    need_room(folder, sum(archive.bytes or 0 for archive in absent))
    stop, lock, hosts = threading.Event(), threading.Lock(), Hosts(_AT_ONE_HOST)

    def shown(label: str, done: int, total: int) -> None:
        if stop.is_set():
            raise _StoppedError
        with lock:
            progress(label, done, total)

    lines = {line["archive"]: line for line in known}
    with session() as client, ThreadPoolExecutor(_AT_ONCE) as pool:
        one = _Publisher(dataset, lake, client, hosts, shown, refresh)
        jobs = [
            pool.submit(contextvars.copy_context().run, one.line, archive, lines.get(archive.name))
            for archive in dataset.archives
        ]
        try:
            wait(jobs, return_when=FIRST_EXCEPTION)
        finally:
            if not all(job.done() and not job.exception() for job in jobs):
                stop.set()
                pool.shutdown(cancel_futures=True)
    failed = [job.exception() for job in jobs if not job.cancelled() and job.exception()]
    for error in sorted(failed, key=lambda error: isinstance(error, _StoppedError)):
        assert error is not None
        raise error
    return [job.result() for job in jobs]


class _Publisher:
    """Fetches one archive after another from where its dataset says."""

    def __init__(
        self,
        dataset: Dataset,
        lake: Lake,
        client: httpx.Client,
        hosts: Hosts,
        progress: Progress,
        refresh: bool,
    ) -> None:
        self._dataset, self._lake, self._client = dataset, lake, client
        self._hosts, self._progress, self._refresh = hosts, progress, refresh

    def line(self, archive: Archive, known: Line | None) -> Line:
        """The ledger line of `archive`, which lies under its name when this returns."""
        path = self._lake.raw(self._dataset.name) / archive.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            line = measured(self._dataset, archive, path, self._progress)
            line |= {"path": self._lake.relative(path), "url": archive.url}
            if known is not None:
                line |= {"url": known["url"], "etag": known.get("etag")}
            if not wrong(archive, line) and not (
                self._refresh and self._other(archive, line, known)
            ):
                return line
        return self._fetched(archive, path)  # the rename replaces what is there

    def _other(self, archive: Archive, line: Line, known: Line | None) -> bool:
        """Whether a file without a published checksum is not the one known, or the publisher's."""
        if archive.checksum is not None or known is None:
            return False
        if line["sha256"] != known["sha256"]:
            return True
        try:
            return changed(self._client, line["url"], line["bytes"], line["etag"])
        except (httpx.HTTPError, httpx.InvalidURL, AddressError):
            return False  # nobody says that it changed

    def _fetched(self, archive: Archive, path: Path) -> Line:
        part, tag = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.etag")
        addresses = [address for address in (archive.url, *archive.mirrors) if address]
        once_more = set(addresses)
        reason = "has no address"
        while addresses:
            address, in_pieces = self._brought(archive, addresses, part)
            etag = tag.read_text() if tag.is_file() else None
            line = measured(self._dataset, archive, part, self._progress)
            if not (reason := wrong(archive, line)):
                part.replace(path)
                tag.unlink(missing_ok=True)
                # after the rename, which counts as a change: the file is older than its line
                line |= {"path": self._lake.relative(path), "retrieved": now()}
                return line | {"url": address, "etag": etag}
            part.unlink()
            if in_pieces and address in once_more:
                once_more.remove(address)  # the pieces may not fit: once more from the first byte
            else:
                addresses = addresses[addresses.index(address) + 1 :]
        raise ChecksumError(mismatch(self._dataset, archive, reason))

    def _brought(self, archive: Archive, addresses: list[str], part: Path) -> tuple[str, bool]:
        if addresses[0].startswith(freesound.SEARCH):
            freesound.search(self._client, addresses[0], part, self._progress)
            return addresses[0], False
        failed, code = "", "no_address"
        for address in addresses:  # one at a time, so that each waits for its own host only
            with self._hosts.turn(host(address)):
                try:
                    return download(self._client, (address,), part, archive.bytes, self._progress)
                except FetchError as error:
                    if error.code == "no_room":
                        raise
                    failed, code = f"{failed} {error}".strip(), error.code
        raise FetchError(failed, code)


def measured(dataset: Dataset, archive: Archive, path: Path, progress: Progress) -> Line:
    """The ledger line of a file as it is; `found` is its digest of the published kind."""
    kind = (archive.checksum or "sha256").partition(":")[0]
    digests = [hashlib.sha256(), *([hashlib.new(kind)] if kind != "sha256" else [])]
    size = path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            for digest in digests:
                digest.update(block)
            if size > _LONG:
                progress(f"verify {archive.name} MiB", file.tell() >> 20, size >> 20)
    return {
        "dataset": dataset.name,
        "archive": archive.name,
        "bytes": size,
        "sha256": digests[0].hexdigest(),
        "checksum": archive.checksum,
        "verified": archive.checksum is not None,
        "retrieved": now(),
        "found": f"{kind}:{digests[-1].hexdigest()}",
    }


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat()


def wrong(archive: Archive, line: Line) -> str:
    """What differs from the published facts, or ""."""
    if archive.bytes is not None and line["bytes"] != archive.bytes:
        return f"has {line['bytes']} bytes, expected {archive.bytes}"
    if archive.checksum is not None and line["found"] != archive.checksum:
        return f"has {line['found']}, expected {archive.checksum}"
    return ""


def mismatch(dataset: Dataset, archive: Archive, reason: str) -> str:
    """What to tell of an archive that is not the published one."""
    return (
        f"{dataset.name}: {archive.name} {reason}. Nothing of it is kept in the lake. Run again, "
        f"or record the new version in flows/datasets/{dataset.name}.py if the publisher changed "
        "it."
    )
