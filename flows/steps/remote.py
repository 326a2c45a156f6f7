"""Sounds that are fetched one by one: each settled in a journal, all of them in a ledger.

A sound is there, gone for good, or failed (which a refresh tries again); none of these stops the
others. Kill it at any moment: what is settled is not asked for again.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps.archives import Source
from flows.steps.carrier import Carrier
from flows.steps.crowd import settle
from flows.steps.download import FetchError, session
from flows.steps.folders import unchanged
from flows.steps.gate import inside
from flows.steps.journal import Journal, Line, address
from flows.steps.lake import Lake, locked, sha256_file, sha256_text, write_table
from flows.steps.progress import Progress, silent
from flows.steps.published import now
from schemas import Dataset, Remote

_NAME_LIMIT = 255  # bytes of one part of a path
_NAME = "remote"  # of the source that these sounds are in the tree

List = Callable[[], Iterator[Remote]]


class Remotes(NamedTuple):
    """The sounds as a source of the tree, and why the others are absent: name -> reason."""

    source: Source
    absent: dict[str, str]


def fetch_remotes(
    dataset: Dataset,
    lake: Lake,
    remotes: List,
    inputs: tuple[str, ...],
    progress: Progress = silent,
    *,
    base: str | None = None,
    refresh: bool = False,
) -> Remotes:
    """Settle every sound that `remotes()` lists; `inputs` are the hashes that list follows from.

    With `base` all come from "{base}{dataset}/remote/{name}", a mirror or the mini world. `refresh`
    hashes what is there and tries again what failed. Raises `FetchError` when nothing can be
    reached, the disk is full or a key is missing, `QuotaError` when a service gives no more today.
    """
    request = sha256_text("remotes-1", "mirror" if base else "", *inputs)
    ledger, folder = lake.remotes(dataset.name), lake.remote(dataset.name)
    with locked(lake.raw(dataset.name)):
        if refresh or not _holds(ledger, folder, request):
            table = _settled(dataset, lake, remotes(), progress, base, refresh)
            facts = {"request": request, "sha256": _digest(table), "written": now()}
            write_table(ledger, table.replace_schema_metadata(facts))
    return _found(ledger, folder)


def _settled(
    dataset: Dataset,
    lake: Lake,
    remotes: Iterable[Remote],
    progress: Progress,
    base: str | None,
    refresh: bool,
) -> pa.Table:
    """The lines (REMOTES) of all that is listed, once each of them is settled."""
    folder = lake.remote(dataset.name)
    folder.mkdir(exist_ok=True)
    journal = Journal(lake.raw(dataset.name) / "remotes.jsonl", again=refresh)
    wanted: dict[str, str] = {}
    listed = _checked(dataset, remotes, wanted, mirrored=base is not None)
    try:
        _forget_lost(journal, folder, refresh)
        with session() as client:
            carrier = Carrier(client, dataset.name, folder, base, _spent(journal))
            missing = _missing(listed, journal, folder, base)
            settle(dataset, missing, carrier, journal, progress)
    finally:
        journal.close()
    table = journal.table(dataset.name, wanted)
    if table.num_rows != len(wanted):
        raise FetchError(
            f"{dataset.name}: {len(wanted)} sounds are listed, {table.num_rows} settled. "
            f"Delete {journal.path} and run again."
        )
    return table


def _holds(ledger: Path, folder: Path, request: str) -> bool:
    """Whether the ledger answers this request and nothing was touched since."""
    if not ledger.is_file():
        return False
    facts = pq.read_schema(ledger).metadata
    if facts[b"request"].decode() != request:
        return False
    return unchanged(folder, None, datetime.fromisoformat(facts[b"written"].decode()).timestamp())


def _found(ledger: Path, folder: Path) -> Remotes:
    table = pq.read_table(ledger, columns=["name", "status", "reason"])
    absent = table.filter(pc.not_equal(table["status"], "ok"))
    reasons = dict(zip(absent["name"].to_pylist(), absent["reason"].to_pylist(), strict=True))
    digest = pq.read_schema(ledger).metadata[b"sha256"].decode()
    return Remotes(Source(_NAME, folder, digest, ledger), reasons)


def _checked(
    dataset: Dataset, remotes: Iterable[Remote], wanted: dict[str, str], *, mirrored: bool
) -> Iterator[Remote]:
    """The remotes, each once; `wanted` fills with name -> address."""
    for remote in remotes:
        longest = max(len(part.encode()) for part in remote.name.split("/"))
        if inside(remote.name) != remote.name or not 0 < longest <= _NAME_LIMIT:
            raise FetchError(
                f"{dataset.name}: the sound {remote.name!r} would leave its folder, or no disk "
                f"takes its name. Expected a relative path, each part of 1 to {_NAME_LIMIT} bytes; "
                f"correct remotes() in flows/datasets/{dataset.name}.py.",
                "bad_name",
            )
        place = address(remote, mirrored=mirrored)
        if remote.name not in wanted:
            wanted[remote.name] = place
            yield remote
        elif wanted[remote.name] != place:
            raise FetchError(
                f"{dataset.name}: the sound {remote.name!r} has two addresses, "
                f"{wanted[remote.name]} and {place}. Expected one; correct remotes() in "
                f"flows/datasets/{dataset.name}.py.",
                "bad_name",
            )


def _missing(
    remotes: Iterable[Remote], journal: Journal, folder: Path, base: str | None
) -> Iterator[Remote]:
    """Those that are not settled; a file that a kill left without its line is settled here."""
    for remote in remotes:
        place = address(remote, mirrored=base is not None)
        if journal.has(remote.name, place):
            continue
        path = folder / remote.name
        if remote.name not in journal and path.is_file():
            journal.add(there(remote.name, place, path))
        else:
            yield remote


def there(name: str, place: str, path: Path) -> Line:
    """The journal's line of a sound that came."""
    size, digest = path.stat().st_size, sha256_file(path)
    return {
        "name": name,
        "url": place,
        "status": "ok",
        "bytes": size,
        "sha256": digest,
        "retrieved": now(),
    }


def _forget_lost(journal: Journal, folder: Path, refresh: bool) -> None:
    """Let be fetched again what the journal has and the folder has not, or not as it was."""
    for line in journal.lines():
        if line["status"] == "ok":
            path = folder / line["name"]
            size = os.stat(path).st_size if path.is_file() else None
            if size != line["bytes"] or (refresh and sha256_file(path) != line["sha256"]):
                journal.forget(line["name"])


def _spent(journal: Journal) -> int:
    """Requests to Freesound's API that the journal knows of today."""
    today = now()[:10]
    return sum(
        line["url"].startswith("freesound:") and line.get("retrieved", "")[:10] == today
        for line in journal.lines()
    )


def _digest(table: pa.Table) -> str:
    """Of what is there and what is not, and why; not of when and where it came from."""
    digest = hashlib.sha256()
    for batch in table.select(["name", "status", "reason", "sha256"]).to_batches(50_000):
        for line in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            digest.update("\0".join(text or "" for text in line).encode() + b"\n")
    return digest.hexdigest()
