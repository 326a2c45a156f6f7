"""Stop 2: every clip that a row names becomes FLAC in a tar shard, or a rejection with its reason.

Shards are a fixed partition of the clips in archive order: a killed run redoes missing shards only.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.steps import decode
from flows.steps.archives import Member, RawTree, is_media
from flows.steps.checks import ReconcileError
from flows.steps.encode import Encoded, Fault, encoded
from flows.steps.lake import Lake, locked, sha256_text, sweep, write_table, written
from flows.steps.progress import Progress, silent
from schemas.tables import CLIPS, REJECTED

_SHARD = 500  # clips; about 250 MB at 10 s a clip
_HEADER = 512  # bytes of the ustar header before the FLAC bytes
_FORMAT = "1"  # raise it when the same clips would be written otherwise

Record = dict[str, Any]  # one line of CLIPS or REJECTED


@dataclass(frozen=True)
class _Shard:
    tar: Path
    names: list[str]

    @property
    def clips(self) -> Path:
        """Facts of its clips; written last, so it is there when the shard is done."""
        return self.tar.with_suffix(".parquet")

    @property
    def rejected(self) -> Path:
        return self.tar.with_suffix(".rejected.parquet")


def make_audio(
    lake: Lake,
    dataset: str,
    rows: pa.Table,
    raw: RawTree,
    progress: Progress = silent,
    *,
    licence: str,
) -> str:
    """Decode every clip that `rows` (ROWS) names into shards; the version of the audio folder.

    A clip has the licence, attribution and origins of its first row, or else the dataset's
    `licence`. Raises `ReconcileError` when the clips wanted are not those out and rejected.
    """
    facts = _facts(rows, licence)
    version = _version(raw, facts)
    with locked(lake.audio(dataset, version)):
        if not lake.clips(dataset, version).is_file():
            sweep(lake.audio(dataset, version))
            present = [name for name in raw.ordered() if name in facts]
            shards = _partition(lake.audio(dataset, version), present)
            _fill(lake, dataset, shards, raw, facts, progress)
            _finish(lake, dataset, version, shards, raw, facts)
    return version


def _facts(rows: pa.Table, licence: str) -> dict[str, Record]:
    facts: dict[str, Record] = {}
    for row in rows.select(["clip", "licence", "attribution", "origin_ids"]).to_pylist():
        name = row.pop("clip")
        facts.setdefault(name, row | {"licence": row["licence"] or licence})
    return facts


def _version(raw: RawTree, facts: dict[str, Record]) -> str:
    archives = (source.sha256 for source in raw.sources)
    clips = (f"{name} {fact}" for name, fact in sorted(facts.items()))
    return sha256_text(_FORMAT, str(_SHARD), decode.identity(), *archives, *clips)[:16]


def _partition(folder: Path, names: list[str]) -> list[_Shard]:
    return [
        _Shard(folder / f"shard-{number:05d}.tar", names[start : start + _SHARD])
        for number, start in enumerate(range(0, len(names), _SHARD))
    ]


def _fill(
    lake: Lake,
    dataset: str,
    shards: list[_Shard],
    raw: RawTree,
    facts: dict[str, Record],
    progress: Progress,
) -> None:
    todo = [shard for shard in shards if not shard.clips.is_file()]
    wanted = {name for shard in todo for name in shard.names}
    outcomes = _shown(encoded(raw.stream(wanted)), f"audio {dataset}", len(wanted), progress)
    for shard in todo:
        clips: list[Record] = []
        rejected: list[Record] = []
        with (
            written(shard.tar) as part,
            tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for name in shard.names:
                member, outcome = next(outcomes)
                if member.name != name:
                    raise ReconcileError(f"{dataset}: expected clip {name}, found {member.name}")
                if isinstance(outcome, Fault):
                    rejected.append(_rejection(dataset, name, outcome.code, outcome.detail))
                else:
                    clip = _clip(dataset, member, outcome) | facts[name]
                    place = _append(tar, clip["clip_id"], outcome.flac)
                    clips.append(clip | place | {"shard": lake.relative(shard.tar)})
        write_table(shard.rejected, pa.Table.from_pylist(rejected, REJECTED))
        write_table(shard.clips, pa.Table.from_pylist(clips, CLIPS))


def _shown(
    outcomes: Iterable[tuple[Member, Encoded | Fault]], label: str, total: int, progress: Progress
) -> Iterator[tuple[Member, Encoded | Fault]]:
    for done, outcome in enumerate(outcomes, 1):
        progress(label, done, total)
        yield outcome


def _clip(dataset: str, member: Member, made: Encoded) -> Record:
    facts = asdict(made)
    del facts["flac"]
    return facts | {
        "clip_id": sha256_text(dataset, member.name, made.source_sha256)[:32],
        "dataset": dataset,
        "name": member.name,
        "archive": member.archive,
        "archive_sha256": member.archive_sha256,
        "seconds": made.samples / decode.SAMPLE_RATE,
    }


def _append(tar: tarfile.TarFile, clip_id: str, flac: bytes) -> Record:
    info = tarfile.TarInfo(f"{clip_id}.flac")  # time 0, nobody's: same clips, same bytes
    info.size = len(flac)
    offset = tar.offset + _HEADER
    tar.addfile(info, io.BytesIO(flac))
    return {"offset": offset, "bytes": len(flac)}


def _rejection(dataset: str, name: str, reason: str, detail: str) -> Record:
    return {
        "dataset": dataset,
        "stop": "audio",
        "kind": "clip",
        "subject": name,
        "reason": reason,
        "detail": detail,
    }


def _finish(
    lake: Lake,
    dataset: str,
    version: str,
    shards: list[_Shard],
    raw: RawTree,
    facts: dict[str, Record],
) -> None:
    clips = _together([shard.clips for shard in shards], CLIPS)
    there = set(raw.ordered())
    missing = [
        _rejection(dataset, name, "missing_clip", "a row names it, no archive holds it")
        for name in sorted(facts.keys() - there)
    ]
    unreferenced = [
        _rejection(dataset, name, "unreferenced", "an archive holds it, no row names it")
        for name in sorted(there - facts.keys())
        if is_media(name)
    ]
    failed = _together([shard.rejected for shard in shards], REJECTED)
    if len(facts) != clips.num_rows + failed.num_rows + len(missing):
        raise ReconcileError(
            f"{dataset}: {len(facts)} clips wanted, but {clips.num_rows} out, {failed.num_rows} "
            f"undecodable and {len(missing)} missing. Delete {lake.audio(dataset, version)}."
        )
    rest = pa.Table.from_pylist(missing + unreferenced, REJECTED)
    write_table(lake.rejected(dataset, "audio", version), pa.concat_tables([failed, rest]))
    write_table(lake.clips(dataset, version), clips)


def _together(paths: list[Path], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *map(pq.read_table, paths)])
