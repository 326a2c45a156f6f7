"""A release described for others: Croissant, attributions, a datasheet, OpenLineage."""

import json
from collections.abc import Callable
from typing import Any

import duckdb

from flows.steps.checks import sql
from flows.steps.croissant import croissant
from flows.steps.datasheet import datasheet
from flows.steps.known import Known, Line
from flows.steps.lake import Lake
from flows.steps.openlineage import events
from flows.steps.release import read_release
from flows.steps.tree import plain
from schemas import Release, RequestError

_PAGES = {
    "freesound": "https://freesound.org/s/{}/",
    "youtube": "https://www.youtube.com/watch?v={}",
    "fma": "https://freemusicarchive.org/track/{}/",
}


class UnknownExport(RequestError):
    """No description of that name."""


def export(lake: Lake, what: str, release_id: str = "HEAD") -> str:
    """The text of a description of a release: one of `KINDS`."""
    if what not in KINDS:
        raise UnknownExport(f"export {what}: expected one of {', '.join(KINDS)}.")
    return KINDS[what](lake, read_release(lake, release_id))


def attribution(lake: Lake, release: Release) -> str:
    """One line per clip that the release trains on: title, author, licence, where it is from."""
    with duckdb.connect() as con:
        con.execute("set variable lake = ?", [str(lake.root)])
        con.execute("set variable release = ?", [release.release_id])
        cursor = con.execute(sql("audit/attribution"))
        names = [column[0] for column in cursor.description or ()]
        lines = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    head = f"Release {release.release_id}: {len(lines)} clips; title, author, licence, source."
    return "\n".join([head, *(_credit(line) for line in lines)]) + "\n"


def page(origin: str) -> str | None:
    """The web page of an origin id such as freesound:100032, where its site is known."""
    site, _, number = origin.partition(":")
    return _PAGES[site].format(number) if site in _PAGES and number else None


def _credit(line: Line) -> str:
    origins = (line["origin_ids"] or "").split()
    pages = [found for origin in origins if (found := page(origin))]
    source = " ".join(pages or origins) or line["url"] or f"dataset {line['dataset']}"
    author = line["attribution"] or f"see dataset {line['dataset']}"
    fields = (line["title"], author, line["licence"] or "licence not stated", source)
    return "; ".join(plain(field) for field in fields)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


KINDS: dict[str, Callable[[Lake, Release], str]] = {
    "croissant": lambda lake, release: _json(croissant(lake, release)),
    "attribution": attribution,
    "datasheet": lambda lake, release: datasheet(Known(lake), release),
    "openlineage": lambda lake, release: "".join(
        json.dumps(event, ensure_ascii=False) + "\n" for event in events(Known(lake), release)
    ),
}
