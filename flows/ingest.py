"""Stops 1 to 3 for one dataset: fetch, audio, pairs; a finished stop is found, not redone."""

from pathlib import Path

import pyarrow.parquet as pq

from flows import mini
from flows.datasets import DatasetFile
from flows.steps.audio import make_audio
from flows.steps.fetch import fetch, raw_tree
from flows.steps.lake import Lake
from flows.steps.pairs import make_pairs
from flows.steps.progress import Progress, silent
from flows.steps.release import Ingested
from flows.steps.rows import make_rows
from schemas import Dataset


def ingest(
    lake: Lake,
    file: DatasetFile,
    given: Path | None = None,
    world: str | None = None,
    progress: Progress = silent,
) -> Ingested:
    """Bring one dataset from its archives to pairs.

    `given` is a local copy; `world` the address of the server of synthesised archives, which are
    made first if absent. Raises what the steps raise; nothing that was finished is lost by it.
    """
    dataset = file.dataset if world is None else _synthesised(lake, file.dataset, world, progress)
    ledger = pq.read_table(fetch(dataset, lake, given, progress))
    raw = raw_tree(dataset, lake)
    archives = sorted(ledger["sha256"].to_pylist())
    rows = make_rows(lake, dataset, file.rows, raw, (file.source_sha256, *archives), progress)
    table = pq.read_table(lake.rows(dataset.name, rows))
    audio = make_audio(lake, dataset.name, table, raw, progress, licence=dataset.licence)
    return Ingested(dataset.name, rows, audio, make_pairs(lake, dataset, rows, audio))


def _synthesised(lake: Lake, dataset: Dataset, base: str, progress: Progress) -> Dataset:
    return mini.at(mini.world(dataset, lake.world(), progress), base)
