"""An audio version without some of its clips: their bytes are in none of its shards any more."""

import io
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps.checks import ReconcileError
from flows.steps.lake import Lake, locked, sha256_text, sweep, write_table, written
from flows.steps.shards import HEADER, Record, join, rejection
from schemas.tables import CLIPS, REJECTED


def without_clips(lake: Lake, dataset: str, version: str, why: Mapping[str, str]) -> str:
    """The audio version without the clips in `why` (clip id -> detail): a folder of its own.

    Shards without such a clip are the same files; the others are written again without it.
    """
    made = sha256_text("takedown-1", version, *(f"{clip} {why[clip]}" for clip in sorted(why)))[:16]
    with locked(lake.audio(dataset, made)):
        if not lake.clips(dataset, made).is_file():
            sweep(lake.audio(dataset, made))
            _write(lake, dataset, version, made, why)
    return made


def _write(lake: Lake, dataset: str, version: str, made: str, why: Mapping[str, str]) -> None:
    clips = pq.read_table(lake.clips(dataset, version))
    leaving = pc.is_in(clips["clip_id"], value_set=pa.array(sorted(why), pa.string()))
    gone, kept = clips.filter(leaving), clips.filter(pc.invert(leaving))
    touched = set(gone["shard"].to_pylist())
    tables: list[pa.Table] = []
    for old in sorted(lake.audio(dataset, version).glob("shard-*.tar")):
        new = lake.audio(dataset, made) / old.name
        mine = kept.filter(pc.equal(kept["shard"], lake.relative(old))).to_pylist()
        if lake.relative(old) in touched:
            _fill(old, new, mine)
        else:
            _link(old, new)
        lines = [clip | {"shard": lake.relative(new)} for clip in mine]
        tables.append(pa.Table.from_pylist(lines, CLIPS))
    before = pq.read_table(lake.rejected(dataset, "audio", version))
    named = zip(gone["name"].to_pylist(), gone["clip_id"].to_pylist(), strict=True)
    lines = [rejection(dataset, name, "taken_down", why[clip]) for name, clip in named]
    left = pa.concat_tables([before, pa.Table.from_pylist(lines, REJECTED)])
    if sum(table.num_rows for table in tables) != clips.num_rows - len(why):
        raise ReconcileError(
            f"{dataset}: {clips.num_rows} clips without the {len(why)} taken down are not those in "
            f"its shards. Delete {lake.audio(dataset, made)}; `pengi release verify` what is there."
        )
    write_table(lake.rejected(dataset, "audio", made), left)
    join(lake.clips(dataset, made), CLIPS, tables)


def _fill(old: Path, new: Path, clips: list[Record]) -> None:
    """Copy the clips of one shard; their offsets are those in the new one."""
    with (
        old.open("rb") as source,
        written(new) as part,
        tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for clip in clips:
            source.seek(clip["offset"])
            info = tarfile.TarInfo(f"{clip['clip_id']}.flac")
            info.size = clip["bytes"]
            clip["offset"] = tar.offset + HEADER
            tar.addfile(info, io.BytesIO(source.read(clip["bytes"])))


def _link(old: Path, new: Path) -> None:
    new.unlink(missing_ok=True)
    try:
        os.link(old, new)
    except OSError:  # a disk without hard links
        with written(new) as part:
            shutil.copyfile(old, part)
