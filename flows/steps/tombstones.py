"""Takedowns: what is not to be used any more, honoured by every later ingestion and release.

One file a takedown under `tombstones/`, never changed. A sound is known again by its clip id, by
the origin asked for, and by the bytes of its file or its samples, under whatever name.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from flows.steps.lake import Lake, LakeError, locked, sha256_text, write_json
from flows.steps.release import Ingested
from flows.steps.reshard import without_clips
from flows.steps.withheld import withhold
from schemas import Taken, Tombstone

_KNOWN_BY = ("clip_id", "source_sha256", "sample_sha256")


def tombstones(lake: Lake) -> list[Tombstone]:
    """Everything that was taken down; LakeError where a file says nothing that can be honoured."""
    found: list[Tombstone] = []
    for path in sorted(lake.tombstones().glob("*.json")):
        try:
            found.append(Tombstone.model_validate_json(path.read_text()))
        except (ValidationError, ValueError) as fault:
            raise LakeError(
                f"{path} is no tombstone that can be read: {str(fault).splitlines()[0]}. What it "
                "took down must stay down: restore the file, or use the version that wrote it."
            ) from fault
    return found


def bury(lake: Lake, id: str, clips: Sequence[Taken], reason: str) -> Path:
    """Write the tombstone of a clip id or origin; the first one of an id stays as it is."""
    path = lake.tombstones() / f"{sha256_text(id)[:16]}.json"
    stone = Tombstone(
        id=id,
        kind="origin" if ":" in id else "clip",
        reason=reason,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        clips=tuple(clips),
    )
    with locked(path.parent):
        if not path.exists():
            write_json(path, json.loads(stone.model_dump_json()))
    return path


def honoured(lake: Lake, stop: Ingested) -> Ingested:
    """The dataset without what was taken down: its own audio and pairs, each with its reason."""
    stones = tombstones(lake)
    why = taken_down(lake, stop, stones) if stones else {}
    if not why:
        return stop
    audio = without_clips(lake, stop.dataset, stop.audio, why)
    return withhold(lake, stop, why, "takedown", "taken_down")._replace(audio=audio)


def taken_down(lake: Lake, stop: Ingested, stones: Sequence[Tombstone]) -> dict[str, str]:
    """clip id -> "taken down: why" of the clips of a dataset that a tombstone is for."""
    clips = pq.read_table(
        lake.clips(stop.dataset, stop.audio), columns=["name", "origin_ids", *_KNOWN_BY]
    )
    rows = pq.read_table(lake.rows(stop.dataset, stop.rows), columns=["clip", "origin_ids"])
    found: dict[str, str] = {}
    for stone in stones:
        chosen = [_same_sound(clips, stone)]
        if stone.kind == "origin":
            named = _of_origin(rows, stone.id, "clip")
            chosen.append(pc.is_in(clips["name"], value_set=named))
            mine = _of_origin(clips, stone.id, "clip_id")
            chosen.append(pc.is_in(clips["clip_id"], value_set=mine))
        for mask in chosen:
            for clip in clips.filter(mask)["clip_id"].to_pylist():
                found.setdefault(clip, f"taken down: {stone.reason} ({stone.id})")
    return found


def _same_sound(clips: pa.Table, stone: Tombstone) -> pa.ChunkedArray:
    mask = pa.chunked_array([pa.repeat(pa.scalar(False), clips.num_rows)])
    for column in _KNOWN_BY:
        values = pa.array([getattr(clip, column) for clip in stone.clips], pa.string())
        mask = pc.or_(mask, pc.is_in(clips[column], value_set=values))
    return mask


def _of_origin(table: pa.Table, origin: str, column: str) -> pa.Array:
    """Values of `column` in the lines that name an origin."""
    table = table.combine_chunks()
    origins = table["origin_ids"].combine_chunks()
    hits = pc.equal(pc.list_flatten(origins), origin)
    lines = pc.list_parent_indices(origins).filter(hits)
    return pc.unique(table[column].combine_chunks().take(lines))
