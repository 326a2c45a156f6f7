"""Stop 1: the published archives of a dataset, verified, with a ledger of where they came from.

A ledger says what was compared; it is written last, so a dataset with one is complete.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.steps.archives import RawTree, Source
from flows.steps.containers import Folder, packed
from flows.steps.download import FetchError, QuotaError
from flows.steps.folders import unchanged
from flows.steps.lake import Lake, locked, sha256_file, write_table
from flows.steps.progress import Progress, silent
from flows.steps.published import ChecksumError, Line, measured, mismatch, now, published, wrong
from schemas import Dataset
from schemas.tables import FETCHES

__all__ = ["ChecksumError", "FetchError", "QuotaError", "fetch", "raw_tree"]

_GIVEN = "raw"  # in place of a url, and of an archive where a whole directory was given
_NAMED = 6  # archives named in an error


def fetch(
    dataset: Dataset,
    lake: Lake,
    given: Path | None = None,
    progress: Progress = silent,
    *,
    refresh: bool = False,
    remembered: bool = True,
) -> Path:
    """Have every archive of `dataset`, verified; the path of the ledger (FETCHES).

    `given` is a copy somebody has already: a directory with the archives under their published
    names, or with what is in them; where it is None, one that was given before is `remembered`.
    What is there and untouched since is not read again, unless `refresh`: then it is hashed, and
    fetched where it is wrong or its publisher has another one now. Raises `FetchError` and
    `ChecksumError`.
    """
    ledger = lake.fetches(dataset.name)
    with locked(lake.raw(dataset.name)):
        known = pq.read_table(ledger).to_pylist() if ledger.is_file() else []
        if given is None and not remembered and _given(known):
            known = []
        if given is None and refresh and _given(known):
            given = _place(known, dataset)
        if refresh or not _holds(known, dataset, lake, given):
            if given is not None:
                lines = _from(given.resolve(), dataset, progress)
            else:
                _refuse(dataset)
                lines = published(dataset, lake, known, progress, refresh)
            write_table(ledger, pa.Table.from_pylist(lines, FETCHES))
    return ledger


def raw_tree(
    dataset: Dataset, lake: Lake, remote: Source | None = None, hidden: Collection[str] = ()
) -> RawTree:
    """The tree over the archives the ledger names, and over sounds fetched one by one.

    `hidden` are members to leave out. `FetchError` when nothing was fetched yet.
    """
    ledger = lake.fetches(dataset.name)
    if not ledger.is_file():
        raise FetchError(f"{dataset.name} has no ledger {ledger}. Fetch it first: `pengi ingest`.")
    sources = [
        Source(line["archive"], lake.root / line["path"], line["sha256"])
        for line in pq.read_table(ledger).to_pylist()
    ]
    if remote is not None:
        sources.append(remote)
    return RawTree(sources, lake.scratch(), dataset.choices, hidden)


def given_copy(lake: Lake, dataset: str) -> bool:
    """Whether what the ledger names is somebody's own copy."""
    return _given(pq.read_table(lake.fetches(dataset), columns=["url"]).to_pylist())


def _given(known: list[Line]) -> bool:
    return any(line["url"] == _GIVEN for line in known)


def _place(known: list[Line], dataset: Dataset) -> Path:
    """The directory that was given, out of the ledger."""
    path, name = Path(known[0]["path"]), known[0]["archive"]
    return path if name == _GIVEN else Path(str(path).removesuffix(name))


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
    return unchanged(path, line["bytes"], datetime.fromisoformat(line["retrieved"]).timestamp())


def _refuse(dataset: Dataset) -> None:
    """`FetchError` with what a person has to do, where the publisher gives nothing to a program."""
    closed = [archive.name for archive in dataset.archives if archive.url is None]
    if dataset.access.kind != "agreement" and not closed:
        return
    names = ", ".join(archive.name for archive in dataset.archives[:_NAMED])
    more = " and more" if len(dataset.archives) > _NAMED else ""
    raise FetchError(
        f"{dataset.name} cannot be downloaded ({dataset.access.kind}): {dataset.access.how} "
        f"Then give your copy with --raw {dataset.name}=DIR, a directory with {names}{more}, or "
        "with what is in them."
    )


def _from(given: Path, dataset: Dataset, progress: Progress) -> list[Line]:
    if not given.is_dir() or not any(given.iterdir()):
        raise FetchError(
            f"{dataset.name}: {given} is not a directory with files. Expected the published "
            f"archives, or what is in them; correct --raw. {dataset.access.how}".rstrip()
        )
    if not dataset.archives or not all((given / a.name).is_file() for a in dataset.archives):
        return [_tree(dataset, given, progress)]
    lines: list[Line] = []
    for archive in dataset.archives:
        line = measured(dataset, archive, given / archive.name, progress)
        if reason := wrong(archive, line):
            raise ChecksumError(mismatch(dataset, archive, reason))
        lines.append(line | {"path": str(given / archive.name), "url": _GIVEN})
    lists_only = not any(packed(archive.name) for archive in dataset.archives)
    return [_tree(dataset, given, progress)] if lists_only else lines  # the sounds lie beside lists


def _tree(dataset: Dataset, given: Path, progress: Progress) -> Line:
    names = Folder(given).members()
    digest = hashlib.sha256()
    total = 0
    for done, name in enumerate(names, 1):
        size = (given / name).stat().st_size
        line = f"{name}\0{size}\0{sha256_file(given / name)}\n"
        digest.update(line.encode(errors="surrogateescape"))
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
        "retrieved": now(),
    }
