"""Rows and clips of synthesised datasets, as big as the paper's: what the pair benches read.

The mix follows the paper's training data (sec. 4.1): mostly event lists, then captions, notes,
questions, music with metadata, and speech with two templates a row.
"""

from pathlib import Path
from typing import NamedTuple

import duckdb

from flows.steps.lake import Lake, write_table
from flows.steps.release import Ingested
from flows.steps.shards import join
from schemas import Archive, Dataset
from schemas.tables import CLIPS, REJECTED, ROWS

HERE = Path(__file__).parent
_SHARD = 500  # clips


class Kind(NamedTuple):
    """A dataset of `clips` clips with `per_clip` rows each, under `templates`."""

    clips: int
    per_clip: int
    templates: tuple[str, ...]


MIX = {
    "events": Kind(1_860_000, 1, ("sound_event_classification",)),
    "captions": Kind(250_000, 3, ("audio_captioning",)),
    "notes": Kind(290_000, 1, ("music_note_analysis",)),
    "qa": Kind(30_000, 8, ("audio_qa",)),
    "music": Kind(110_000, 1, ("music_analysis", "auxiliary")),
    "speech": Kind(20_000, 1, ("speech_emotion_recognition", "speech_sentiment_recognition")),
}  # 3.4 million pairs of 2.55 million clips


def dataset(kind: str) -> Dataset:
    """Facts of the synthesised dataset `kind`."""
    return Dataset(
        name=kind,
        title=f"Synthesised {kind}",
        homepage="https://example.org",
        licence="CC0-1.0",
        citation="none",
        archives=(Archive(name=f"{kind}.zip"),),
        splits=("train", "test"),
        train=("train",),
        templates=MIX[kind].templates,
    )


def write(lake: Lake, scale: float) -> list[Ingested]:
    """Rows and clips of every kind, `scale` times the paper's size, as stops 1 and 2 leave them."""
    return [_write(lake, kind, max(100, round(size.clips * scale))) for kind, size in MIX.items()]


def _write(lake: Lake, kind: str, clips: int) -> Ingested:
    named = clips * 100 // 99
    with duckdb.connect() as con:
        for name, value in {
            "dataset": kind,
            "kind": kind,
            "clips": named,
            "rows": named * MIX[kind].per_clip,
            "per_clip": MIX[kind].per_clip,
        }.items():
            con.execute(f"set variable {name} = $1", [value])
        rows = con.sql((HERE / "rows.sql").read_text()).to_arrow_table()
        write_table(lake.rows(kind, "r"), rows.cast(ROWS))
        del rows
        found = con.sql((HERE / "clips.sql").read_text()).to_arrow_table().cast(CLIPS)
        shards = (found.slice(start, _SHARD) for start in range(0, found.num_rows, _SHARD))
        join(lake.clips(kind, "a"), CLIPS, shards)
    for stop, version in (("rows", "r"), ("audio", "a")):
        write_table(lake.rejected(kind, stop, version), REJECTED.empty_table())
    return Ingested(kind, "r", "a", "")
