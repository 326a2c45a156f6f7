"""Stop 2: every clip that a row names becomes FLAC in a tar shard, or a rejection with its reason.

Shards are a fixed partition of the clips in archive order: a killed run redoes missing shards only.
No table of the clips exists as Python objects, so a hundred times more clips need no more memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from flows.steps import decode
from flows.steps.archives import Member, RawTree, is_media
from flows.steps.checks import ReconcileError
from flows.steps.encode import Fault
from flows.steps.lake import Lake, locked, sha256_text, sweep
from flows.steps.progress import Progress, silent
from flows.steps.shards import Record, Shard, filling, join, rejection, tables
from flows.steps.wanted import Names, Placed, Wanted
from flows.steps.workers import Job, Outcomes, encoded
from schemas.tables import CLIPS, REJECTED

_SHARD = 500  # clips; about 250 MB at 10 s a clip
_FORMAT = "2"  # raise it when the same clips would be written otherwise
_BATCH = 4096  # rejections written at a time

pa.set_memory_pool(pa.system_memory_pool())  # the default one keeps several times what is in use


def make_audio(
    lake: Lake,
    dataset: str,
    rows: pa.Table,
    raw: RawTree,
    progress: Progress = silent,
    *,
    licence: str,
    absent: Mapping[str, str] | None = None,
) -> str:
    """Decode every clip that `rows` (ROWS) names into shards; the version of the audio folder.

    A clip has the licence, attribution and origins of its first row, or else the dataset's
    `licence`. `absent` says why a member could not be fetched. Raises `ReconcileError` when the
    clips wanted are not those out and rejected.
    """
    wanted = Wanted.of(rows)
    version = _version(raw, wanted, licence)
    with locked(lake.audio(dataset, version)):
        if not lake.clips(dataset, version).is_file():
            sweep(lake.audio(dataset, version))
            placed = Placed.among(wanted, _names(raw))
            shards = _partition(lake.audio(dataset, version), placed.held())
            _fill(lake, dataset, shards, raw, licence, progress)
            _finish(lake, dataset, version, shards, placed, absent or {})
    return version


def _version(raw: RawTree, wanted: Wanted, licence: str) -> str:
    archives = (source.sha256 for source in raw.sources)
    made = (_FORMAT, str(_SHARD), decode.identity(), licence)
    return sha256_text(*made, *archives, wanted.digest())[:16]


def _names(raw: RawTree) -> pa.Array:
    names = iter(raw.ordered())
    batches = iter(lambda: list(islice(names, _BATCH)), [])
    return pa.chunked_array(
        (pa.array(batch, pa.string()) for batch in batches), pa.string()
    ).combine_chunks()


def _partition(folder: Path, plan: Placed) -> list[Shard]:
    return [
        Shard(folder / f"shard-{number:05d}.tar", plan[start:end])
        for number, (start, end) in enumerate(pairwise(plan.edges(_SHARD)))
    ]


def _fill(
    lake: Lake,
    dataset: str,
    shards: list[Shard],
    raw: RawTree,
    licence: str,
    progress: Progress,
) -> None:
    todo = [shard for shard in shards if not shard.clips.is_file()]
    total = sum(len(shard.plan) for shard in todo)
    outcomes = _shown(encoded(_jobs(dataset, raw, todo)), f"audio {dataset}", total, progress)
    for shard in todo:
        with filling(shard, dataset, lake.relative(shard.tar)) as made:
            for _ in range(len(shard.plan)):
                line, member, outcome = next(outcomes)
                name = line.pop("clip")
                if isinstance(outcome, Fault):
                    made.reject(name, outcome.code, outcome.detail)
                else:
                    facts = line | {"licence": line["licence"] or licence}
                    made.add(name, member, outcome, facts)


def _jobs(dataset: str, raw: RawTree, shards: list[Shard]) -> Iterator[Job]:
    if not shards:
        return
    places = np.unique(np.concatenate([shard.plan.place for shard in shards]))
    members = raw.stream(Names(shards[0].plan.names, places))
    for shard in shards:
        for name, cuts, lines in shard.plan.by_member():
            member = next(members, None)
            if member is None or member.name != name:
                raise ReconcileError(
                    f"{dataset}: expected member {name}, found "
                    f"{member.name if member else 'the end of the archives'}. The archives have "
                    "changed since they were listed; run again."
                )
            about = Member(name, member.archive, member.archive_sha256, b"")
            yield Job(member.data, name, cuts, (lines, about))


def _shown(
    done: Iterable[tuple[Any, Outcomes]], label: str, total: int, progress: Progress
) -> Iterator[tuple[Record, Member, Any]]:
    count = 0
    for (clips, member), outcomes in done:
        for clip, outcome in zip(clips, outcomes, strict=True):
            count += 1
            progress(label, count, total)
            yield clip, member, outcome


def _finish(
    lake: Lake,
    dataset: str,
    version: str,
    shards: list[Shard],
    placed: Placed,
    absent: Mapping[str, str],
) -> None:
    lost = placed.lost()
    out = sum(pq.read_metadata(shard.clips).num_rows for shard in shards)
    failed = sum(pq.read_metadata(shard.rejected).num_rows for shard in shards)
    if len(placed) != out + failed + len(lost):
        raise ReconcileError(
            f"{dataset}: {len(placed)} clips wanted, but {out} out, {failed} undecodable and "
            f"{len(lost)} missing. Delete {lake.audio(dataset, version)}."
        )
    left_out = _rejected(dataset, shards, lost, placed.spare(), absent)
    join(lake.rejected(dataset, "audio", version), REJECTED, left_out)
    join(lake.clips(dataset, version), CLIPS, tables(shard.clips for shard in shards))


def _rejected(
    dataset: str, shards: list[Shard], lost: Placed, spare: pa.Array, absent: Mapping[str, str]
) -> Iterator[pa.Table]:
    """Undecodable clips by shard, then those no archive holds, then what no row names."""
    yield from tables(shard.rejected for shard in shards)
    yield from _tables(_lost(dataset, line["clip"], absent) for line in lost.lines())
    yield from _tables(
        rejection(dataset, name, "unreferenced", "an archive holds it, no row names it")
        for name in map(str, spare)
        if is_media(name)
    )


def _lost(dataset: str, clip: str, absent: Mapping[str, str]) -> Record:
    why = absent.get(clip) or absent.get(clip.rpartition("#t=")[0])
    if why is not None:
        return rejection(dataset, clip, "not_fetched", why)
    return rejection(dataset, clip, "missing_clip", "a row names it, no archive holds it")


def _tables(records: Iterator[Record]) -> Iterator[pa.Table]:
    while batch := list(islice(records, _BATCH)):
        yield pa.Table.from_pylist(batch, REJECTED)
