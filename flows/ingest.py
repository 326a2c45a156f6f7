"""Stops 1 to 3 for one dataset: fetch, audio, pairs; a finished stop is found, not redone.

What was taken down is left out again (flows/steps/tombstones.py).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from flows import mini
from flows.datasets import DatasetFile
from flows.limit import Limit
from flows.steps.archives import RawTree
from flows.steps.audio import make_audio
from flows.steps.fetch import fetch, given_copy, raw_tree
from flows.steps.lake import Lake
from flows.steps.pairs import make_pairs
from flows.steps.progress import Progress, silent
from flows.steps.release import Ingested
from flows.steps.remote import Remotes, fetch_remotes
from flows.steps.rows import make_rows
from flows.steps.tombstones import honoured
from flows.steps.wanted import read_rows
from schemas import Dataset


def ingest(
    lake: Lake,
    file: DatasetFile,
    given: Path | None = None,
    world: str | None = None,
    progress: Progress = silent,
    *,
    refresh: bool = False,
    max_clips: int | None = None,
) -> Ingested:
    """Bring one dataset from its archives to pairs.

    `given` is a local copy; without one, `world` is the address of the server of synthesised
    archives, which are made first if absent. `refresh` hashes and compares what is there, and tries
    again what failed; `max_clips` keeps so many clips only. Raises what the steps raise; nothing
    that was finished is lost by it.
    """
    world = None if given is not None else world
    dataset = file.dataset if world is None else _synthesised(lake, file.dataset, world, progress)
    fetch(dataset, lake, given, progress, refresh=refresh, remembered=world is None)
    raw = raw_tree(dataset, lake)
    limit = Limit(dataset.name, file.rows, raw, max_clips)
    inputs = (file.source_sha256, *_stated(dataset, limit))
    remote = None
    if file.remotes is not None and given is None and not given_copy(lake, dataset.name):
        listed = partial(limit.remotes, file.remotes, raw)
        follows = (*inputs, *_archives(raw))
        remote = fetch_remotes(
            dataset, lake, listed, follows, progress, base=world, refresh=refresh
        )
    return _made(lake, dataset, limit, inputs, remote, progress)


def _made(
    lake: Lake,
    dataset: Dataset,
    limit: Limit,
    inputs: tuple[str, ...],
    remote: Remotes | None,
    progress: Progress,
) -> Ingested:
    """Stops 2 and 3: what was fetched becomes rows, audio and pairs."""
    name, source = dataset.name, remote.source if remote else None
    raw = raw_tree(dataset, lake, source)
    rows = make_rows(lake, dataset, limit.rows, raw, (*inputs, *_archives(raw)), progress)
    if limit.hidden:
        raw = raw_tree(dataset, lake, source, limit.hidden)
    table = read_rows(lake.rows(name, rows))
    absent = remote.absent if remote else {}
    audio = make_audio(lake, name, table, raw, progress, licence=dataset.licence, absent=absent)
    return honoured(lake, Ingested(name, rows, audio, make_pairs(lake, dataset, rows, audio)))


def _stated(dataset: Dataset, limit: Limit) -> Iterator[str]:
    """What else the rows follow from: the choices taken, and how many clips count."""
    yield from (f"choice {choice.name}={choice.value}" for choice in dataset.choices)
    if limit.hidden:
        yield f"max_clips {limit.most}"


def _archives(raw: RawTree) -> list[str]:
    return sorted(source.sha256 for source in raw.sources)


def _synthesised(lake: Lake, dataset: Dataset, base: str, progress: Progress) -> Dataset:
    return mini.at(mini.world(dataset, lake.world(), progress), base)
