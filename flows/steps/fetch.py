"""Stop 1: the published archives of a dataset, verified, with a ledger of where they came from.

A ledger says what was compared; it is written last, so a dataset with one is complete.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.steps.archives import RawTree, Source
from flows.steps.containers import Folder
from flows.steps.download import FetchError, download, need_room
from flows.steps.lake import Lake, locked, sha256_file, write_table
from flows.steps.progress import Progress, silent
from schemas import Archive, Dataset
from schemas.tables import FETCHES

__all__ = ["ChecksumError", "FetchError", "fetch", "raw_tree"]

_BLOCK = 1 << 20
_LONG = 1 << 30  # bytes; what takes a second to hash
_GIVEN = "raw"  # in place of a url, and of an archive where a whole directory was given

Line = dict[str, Any]  # of FETCHES


class ChecksumError(Exception):
    """A file that is not the one the publisher describes."""


def fetch(
    dataset: Dataset, lake: Lake, given: Path | None = None, progress: Progress = silent
) -> Path:
    """Have every archive of `dataset`, verified; the path of the ledger (FETCHES).

    `given` is a copy somebody has already: a directory with the archives under their published
    names, or with what is in them. Raises `FetchError` and `ChecksumError`.
    """
    ledger = lake.fetches(dataset.name)
    with locked(lake.raw(dataset.name)):
        known = pq.read_table(ledger).to_pylist() if ledger.is_file() else []
        if not _holds(known, dataset, lake, given):
            if given is not None:
                lines = _from(given.resolve(), dataset, progress)
            else:
                lines = _published(dataset, lake, progress)
            write_table(ledger, pa.Table.from_pylist(lines, FETCHES))
    return ledger


def raw_tree(dataset: Dataset, lake: Lake) -> RawTree:
    """The tree over the archives the ledger names; `FetchError` when nothing was fetched yet."""
    ledger = lake.fetches(dataset.name)
    if not ledger.is_file():
        raise FetchError(f"{dataset.name} has no ledger {ledger}. Fetch it first: `pengi ingest`.")
    sources = [
        Source(line["archive"], lake.root / line["path"], line["sha256"])
        for line in pq.read_table(ledger).to_pylist()
    ]
    return RawTree(sources, lake.scratch(), dataset.choices)


def _holds(known: list[Line], dataset: Dataset, lake: Lake, given: Path | None) -> bool:
    """Whether a ledger still says what is asked for, and nothing it names was touched since."""
    declared = {(archive.name, archive.checksum) for archive in dataset.archives}
    asked = {(line["archive"], line["checksum"]) for line in known} in (declared, {(_GIVEN, None)})
    if given is not None:
        folder = given.resolve()
        asked = asked and all(Path(line["path"]).is_relative_to(folder) for line in known)
    return (
        asked and bool(known) and all(_untouched(lake.root / line["path"], line) for line in known)
    )


def _untouched(path: Path, line: Line) -> bool:
    """Same size, and no file or folder in it changed since: far cheaper than hashing."""
    if not path.exists():
        return False
    within = [path, *path.rglob("*")] if path.is_dir() else [path]
    facts = [entry.stat() for entry in within]
    size = sum(fact.st_size for entry, fact in zip(within, facts, strict=True) if entry.is_file())
    newest = max(max(fact.st_mtime, fact.st_ctime) for fact in facts)
    return size == line["bytes"] and newest <= datetime.fromisoformat(line["retrieved"]).timestamp()


def _published(dataset: Dataset, lake: Lake, progress: Progress) -> list[Line]:
    if dataset.access.kind != "direct":
        raise FetchError(
            f"{dataset.name} cannot be downloaded ({dataset.access.kind}): {dataset.access.how} "
            f"Then give your copy with --raw {dataset.name}=DIR."
        )
    folder = lake.raw(dataset.name)
    absent = [archive for archive in dataset.archives if not (folder / archive.name).is_file()]
    need_room(folder, sum(archive.bytes or 0 for archive in absent))
    return [_fetched(dataset, archive, lake, progress) for archive in dataset.archives]


def _fetched(dataset: Dataset, archive: Archive, lake: Lake, progress: Progress) -> Line:
    path = lake.raw(dataset.name) / archive.name
    if path.is_file():
        line = _line(dataset, archive, path, progress)
        if not _wrong(archive, line):  # else it is another version: the rename replaces it
            return line | {"path": lake.relative(path), "url": archive.url}
    part = path.with_name(f"{path.name}.part")
    addresses = [address for address in (archive.url, *archive.mirrors) if address]
    once_more = set(addresses)
    wrong = "no address is known"
    while addresses:
        address, in_pieces = download(tuple(addresses), part, archive.bytes, progress)
        line = _line(dataset, archive, part, progress)
        if not (wrong := _wrong(archive, line)):
            part.replace(path)
            part.with_suffix(".etag").unlink(missing_ok=True)
            # after the rename, which counts as a change: the file is older than its line
            return line | {"path": lake.relative(path), "url": address, "retrieved": _now()}
        part.unlink()
        if in_pieces and address in once_more:
            once_more.remove(address)  # the pieces may not fit: once more from the first byte
        else:
            addresses = addresses[addresses.index(address) + 1 :]
    raise ChecksumError(_mismatch(dataset, archive, wrong))


def _from(given: Path, dataset: Dataset, progress: Progress) -> list[Line]:
    if not given.is_dir() or not any(given.iterdir()):
        raise FetchError(
            f"{dataset.name}: {given} is not a directory with files. Expected the published "
            "archives, or what is in them; correct --raw."
        )
    if not dataset.archives or not all((given / a.name).is_file() for a in dataset.archives):
        return [_tree(dataset, given, progress)]
    lines: list[Line] = []
    for archive in dataset.archives:
        line = _line(dataset, archive, given / archive.name, progress)
        if wrong := _wrong(archive, line):
            raise ChecksumError(_mismatch(dataset, archive, wrong))
        lines.append(line | {"path": str(given / archive.name), "url": _GIVEN})
    return lines


def _tree(dataset: Dataset, given: Path, progress: Progress) -> Line:
    names = Folder(given).members()
    digest = hashlib.sha256()
    total = 0
    for done, name in enumerate(names, 1):
        size = (given / name).stat().st_size
        digest.update(f"{name}\0{size}\0{sha256_file(given / name)}\n".encode())
        total += size
        progress(f"hash {dataset.name}", done, len(names))
    return {
        "dataset": dataset.name,
        "archive": _GIVEN,
        "url": _GIVEN,
        "path": str(given),
        "bytes": total,
        "sha256": digest.hexdigest(),
        "verified": False,
        "retrieved": _now(),
    }


def _line(dataset: Dataset, archive: Archive, path: Path, progress: Progress) -> Line:
    """The ledger line of a file as it is; `found` is its digest of the published kind."""
    kind = (archive.checksum or "sha256").partition(":")[0]
    digests = [hashlib.sha256(), hashlib.new(kind)]
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
        "retrieved": _now(),
        "found": f"{kind}:{digests[1].hexdigest()}",
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _wrong(archive: Archive, line: Line) -> str:
    """What differs from the published facts, or ""."""
    if archive.bytes is not None and line["bytes"] != archive.bytes:
        return f"has {line['bytes']} bytes, expected {archive.bytes}"
    if archive.checksum is not None and line["found"] != archive.checksum:
        return f"has {line['found']}, expected {archive.checksum}"
    return ""


def _mismatch(dataset: Dataset, archive: Archive, wrong: str) -> str:
    return (
        f"{dataset.name}: {archive.name} {wrong}. Nothing of it is kept in the lake. Run again, or "
        f"record the new version in flows/datasets/{dataset.name}.py if the publisher changed it."
    )
