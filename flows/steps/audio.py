"""Stop 2: every clip that a row names becomes FLAC in a tar shard, or a rejection with its reason.

Shards are a fixed partition of the clips in archive order: a killed run redoes missing shards only.
No table of the clips exists as Python objects, so a hundred times more clips need no more memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps import decode
from flows.steps.archives import Member, RawTree, is_media
from flows.steps.checks import ReconcileError
from flows.steps.encode import Fault
from flows.steps.lake import Lake, locked, sha256_text, sweep
from flows.steps.progress import Progress, silent
from flows.steps.shards import Record, Shard, filling, join, rejection
from flows.steps.wanted import Names, by_member, digest, edges, in_order, lines, placed, wanted
from flows.steps.workers import Job, Outcomes, encoded
from schemas.tables import CLIPS, REJECTED

_SHARD = 500  # clips; about 250 MB at 10 s a clip
_FORMAT = "2"  # raise it when the same clips would be written otherwise
_FACTS = ("licence", "attribution", "origin_ids")
_BATCH = 4096  # rejections written at a time


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
    table = wanted(rows, licence)
    version = _version(raw, table)
    with locked(lake.audio(dataset, version)):
        if not lake.clips(dataset, version).is_file():
            sweep(lake.audio(dataset, version))
            names = pa.array(raw.ordered(), pa.string())
            table = placed(table, names)
            shards = _partition(lake.audio(dataset, version), in_order(table))
            _fill(lake, dataset, shards, raw, progress)
            _finish(lake, dataset, version, shards, table, names, absent or {})
    return version


def _version(raw: RawTree, table: pa.Table) -> str:
    archives = (source.sha256 for source in raw.sources)
    return sha256_text(_FORMAT, str(_SHARD), decode.identity(), *archives, digest(table))[:16]


def _partition(folder: Path, plan: pa.Table) -> list[Shard]:
    return [
        Shard(folder / f"shard-{number:05d}.tar", plan.slice(start, end - start))
        for number, (start, end) in enumerate(pairwise(edges(plan, _SHARD)))
    ]


def _fill(lake: Lake, dataset: str, shards: list[Shard], raw: RawTree, progress: Progress) -> None:
    todo = [shard for shard in shards if not shard.clips.is_file()]
    total = sum(shard.plan.num_rows for shard in todo)
    outcomes = _shown(encoded(_jobs(dataset, raw, todo)), f"audio {dataset}", total, progress)
    for shard in todo:
        with filling(shard, dataset, lake.relative(shard.tar)) as made:
            for _ in range(shard.plan.num_rows):
                line, member, outcome = next(outcomes)
                if isinstance(outcome, Fault):
                    made.reject(line["clip"], outcome.code, outcome.detail)
                else:
                    facts = {fact: line[fact] for fact in _FACTS}
                    made.add(line["clip"], member, outcome, facts)


def _jobs(dataset: str, raw: RawTree, shards: list[Shard]) -> Iterator[Job]:
    if not shards:
        return
    members = raw.stream(Names(pa.concat_tables(shard.plan for shard in shards)["member"]))
    for shard in shards:
        for clips in by_member(shard.plan):
            member = next(members, None)
            if member is None or member.name != clips[0]["member"]:
                found = member.name if member else "the end of the archives"
                raise ReconcileError(
                    f"{dataset}: expected member {clips[0]['member']}, found {found}. The archives "
                    "have changed since they were listed; run again."
                )
            cuts = [
                None if clip["start"] is None else (clip["start"], clip["end"]) for clip in clips
            ]
            about = Member(member.name, member.archive, member.archive_sha256, b"")
            yield Job(member.data, member.name, cuts, (clips, about))


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
    table: pa.Table,
    names: pa.Array,
    absent: Mapping[str, str],
) -> None:
    held = pc.is_valid(table["place"])
    lost = table.filter(pc.invert(held)).select(["clip", "member"])
    used = pc.unique(table.filter(held)["member"])
    spare = names.filter(pc.invert(pc.is_in(names, value_set=used)))
    spare = spare.take(pc.sort_indices(spare))
    out = sum(pq.read_metadata(shard.clips).num_rows for shard in shards)
    failed = sum(pq.read_metadata(shard.rejected).num_rows for shard in shards)
    if table.num_rows != out + failed + lost.num_rows:
        raise ReconcileError(
            f"{dataset}: {table.num_rows} clips wanted, but {out} out, {failed} undecodable and "
            f"{lost.num_rows} missing. Delete {lake.audio(dataset, version)}."
        )
    join(
        lake.rejected(dataset, "audio", version),
        REJECTED,
        _rejected(dataset, shards, lost, spare, absent),
    )
    join(lake.clips(dataset, version), CLIPS, (pq.read_table(shard.clips) for shard in shards))


def _rejected(
    dataset: str, shards: list[Shard], lost: pa.Table, spare: pa.Array, absent: Mapping[str, str]
) -> Iterator[pa.Table]:
    """Undecodable clips by shard, then those no archive holds, then what no row names."""
    yield from (pq.read_table(shard.rejected) for shard in shards)
    yield from _tables(_lost(dataset, clip, absent) for clip in lines(lost))
    yield from _tables(
        rejection(dataset, name, "unreferenced", "an archive holds it, no row names it")
        for line in lines(pa.table({"name": spare}))
        if is_media(name := str(line["name"]))
    )


def _lost(dataset: str, line: Record, absent: Mapping[str, str]) -> Record:
    clip = line["clip"]
    why = absent.get(clip) or absent.get(line["member"])
    if why is not None:
        return rejection(dataset, clip, "not_fetched", why)
    return rejection(dataset, clip, "missing_clip", "a row names it, no archive holds it")


def _tables(records: Iterator[Record]) -> Iterator[pa.Table]:
    while batch := list(islice(records, _BATCH)):
        yield pa.Table.from_pylist(batch, REJECTED)
