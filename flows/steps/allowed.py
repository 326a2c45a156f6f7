"""Releases of some licences only: clips whose licence no pattern lets in are left out."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps.lake import Lake
from flows.steps.release import Ingested
from flows.steps.withheld import withhold
from schemas import RequestError
from schemas.licences import LicenceError, alternatives

_SIGNS = set("abcdefghijklmnopqrstuvwxyz0123456789.-+*?")


class PatternError(RequestError):
    """A pattern that no SPDX id can match."""


def patterns(text: str) -> tuple[str, ...]:
    """SPDX patterns out of "CC0-1.0,CC-BY-*"; PatternError for one that can match no id."""
    found = tuple(sorted({part.strip() for part in text.split(",")}))
    wrong = [part for part in found if not part or not set(part.lower()) <= _SIGNS]
    if wrong:
        raise PatternError(
            f"--licence-allow {text}: expected SPDX ids with * or ? in them, such as CC0-1.0 or "
            f"CC-BY-*, found {', '.join(map(repr, wrong))}."
        )
    return found


def is_allowed(licence: str | None, allowed: Sequence[str]) -> bool:
    """Whether one of the alternatives of an SPDX expression is let in wholly; case is no matter."""
    try:
        choices = alternatives(licence or "")
    except LicenceError:
        return False
    return any(all(_matches(name, allowed) for name in choice) for choice in choices)


def only_allowed(lake: Lake, stop: Ingested, allowed: Sequence[str]) -> Ingested:
    """The dataset without the pairs of clips under other licences, each pair with its reason."""
    place = lake.clips(stop.dataset, stop.audio)
    clips = pq.read_table(place, columns=["clip_id", "licence"])
    licences = pc.unique(clips["licence"]).to_pylist()
    others = [licence for licence in licences if not is_allowed(licence, allowed)]
    if not others:
        return stop
    lines = clips.to_pylist()
    why = {
        line["clip_id"]: f"licence {line['licence'] or 'not stated'}, allowed {', '.join(allowed)}"
        for line in lines
        if line["licence"] in set(others)
    }
    return withhold(lake, stop, why, "licence", "licence_not_allowed")


def _matches(name: str, allowed: Sequence[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in allowed)
