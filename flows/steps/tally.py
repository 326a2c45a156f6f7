"""Counts of a release's pairs by template and licence, counted once and kept."""

import json
from typing import Any

import pyarrow as pa

from flows.steps.checks import over, sql
from flows.steps.id_index import opened
from flows.steps.lake import Lake, sha256_text, write_json
from schemas import Part, Release

_Line = dict[str, Any]


def tally(lake: Lake, part: Part) -> list[_Line]:
    """One line per template, its version and licence of the pairs of a part: pairs and clips."""
    content = sha256_text("tally-1", part.pairs.sha256, part.clips.sha256, *part.train)[:16]
    path = lake.tally(part.dataset, content)
    if path.is_file():
        return json.loads(path.read_text())
    lines = _counted(lake, part) if part.pair_counts else []
    try:
        write_json(path, lines)
    except PermissionError:  # a lake that may only be read: counted again next time
        return lines
    return lines


def licences(lake: Lake, release: Release) -> dict[str, int]:
    """Licence -> pairs of a release under it, the most first."""
    found: dict[str, int] = {}
    for part in release.parts:
        for line in tally(lake, part):
            licence = line["licence"] or "not stated"
            found[licence] = found.get(licence, 0) + line["pairs"]
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _counted(lake: Lake, part: Part) -> list[_Line]:
    splits = pa.table({"split": pa.array(part.train, pa.string())})
    pairs, clips = lake.root / part.pairs.path, lake.root / part.clips.path
    for path in (pairs, clips):
        opened(path)  # says what is missing
    with over(split_table=splits) as con:  # nothing is spilled beside the pairs
        con.read_parquet(str(pairs)).create_view("pair_table")
        con.read_parquet(str(clips)).create_view("clip_table")
        return con.sql(sql("build/tally")).to_arrow_table().to_pylist()
