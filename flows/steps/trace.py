"""The chain of a pair or clip: back to row, archive bytes and licence; on to releases and runs."""

import json
from typing import Any

import duckdb

from flows.steps.checks import sql
from flows.steps.lake import Lake
from flows.steps.release import read_release
from schemas import RequestError

_PAIR_DIGITS = 32


class UnknownId(RequestError):
    """No such pair or clip in the lake."""


def trace(lake: Lake, id: str) -> dict[str, Any]:
    """{"pairs": […]} of a pair id or clip id, each with row, clip, archive, releases and runs."""
    if len(id) != _PAIR_DIGITS or not set(id) <= set("0123456789abcdef"):
        raise UnknownId(f"{id!r} is neither a pair id nor a clip id: expected 32 hex digits.")
    lines = _lines(lake, id)
    if not lines:
        raise UnknownId(f"{id}: no pair and no clip of {lake.root} has this id.")
    releases = [read_release(lake, name) for name in lake.releases()]
    runs = [json.loads((lake.run(name) / "run.json").read_text()) for name in lake.runs()]
    for line in lines:
        inside = [
            release.release_id
            for release in releases
            for part in release.parts
            if part.pairs.path == line["pairs_file"] and line["split"] in part.train
        ]
        line["releases"] = inside
        line["runs"] = [
            {"run_id": run["run_id"], "name": run["name"]}
            for run in runs
            if run["release_id"] in inside
        ]
    return {"id": id, "pairs": lines}


def as_tree(found: dict[str, Any]) -> str:
    """The chain as an indented tree, one block per pair."""
    blocks: list[str] = []
    for line in found["pairs"]:
        if line["pair_id"]:
            blocks.append(f"pair     {line['pair_id']}  {line['input']!r} -> {line['output']!r}")
            blocks.append(f"  template {line['template']} version {line['template_version']}")
            blocks.append(f"  row      {line['row_id']} (split {line['split']})")
        blocks += [
            f"  clip     {line['clip_id']}  {line['clip']}",
            f"    sound    {line['seconds']:.2f} s, decoded by {line['decoder']}",
            f"    source   sha256 {line['source_sha256']}  in {line['archive']}",
            f"    archive  sha256 {line['archive_sha256']}  {line['archive_bytes']} bytes",
            f"             from {line['url']}, retrieved {line['retrieved']}",
            f"    licence  {line['licence']}  {line['attribution'] or ''}".rstrip(),
            f"    origin   {', '.join(line['origin_ids'] or []) or 'none stated'}",
            f"  releases {', '.join(line['releases']) or 'none'}",
            "  runs     "
            + (", ".join(f"{r['name']} {r['run_id']}" for r in line["runs"]) or "none"),
        ]
    return "\n".join(blocks)


def _lines(lake: Lake, id: str) -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        con.execute("set variable lake = ?", [str(lake.root)])
        con.execute("set variable id = ?", [id])
        try:
            cursor = con.execute(sql("audit/trace"))
        except duckdb.IOException:  # no file matches: the lake has no pairs yet
            return []
        names = [column[0] for column in cursor.description or ()]
        lines = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    for line in lines:
        line["pairs_file"] = line["pairs_file"] and line["pairs_file"].removeprefix(f"{lake.root}/")
    return lines
