"""`pengi takedown`: what a clip or origin touches, and the lake's next release without it."""

from functools import partial
from typing import Any

from flows.provenance import provenance
from flows.steps.id_index import clip_pairs
from flows.steps.known import Known, Line
from flows.steps.lake import Lake
from flows.steps.progress import Progress, silent
from flows.steps.release import Ingested, ingested, make_release, read_release
from flows.steps.subjects import asked
from flows.steps.tombstones import bury, honoured, taken_down
from flows.trace import UnknownId, steps, trace
from schemas import Release, RequestError, Run, Taken, Tombstone

_FACTS = ("dataset", "name", "clip_id", "source_sha256", "sample_sha256")
_SHOWN = (*_FACTS, "licence", "origin_ids")
_OF_PAIR = ("pair_id", "dataset", "split", "template", "output")
_HEX = set("0123456789abcdef")


def touched(lake: Lake, id: str) -> dict[str, Any]:
    """What a takedown of a clip id or origin would touch; UnknownId with suggestions.

    {"id", "clips": the clips with their pairs, "releases", "runs": with the steps that read them,
    "answers": how many, "files": shards that hold the sounds}.
    """
    known = Known(lake)
    clips = _clips(known, id)
    pairs = {pair["pair_id"]: pair for clip in clips for pair in _pairs(known, clip)}
    releases = [r for r in known.releases if any(_is_in(known, r, pair) for pair in pairs.values())]
    runs = [run for release in releases for run in known.runs_on(release.release_id)]
    return {
        "id": id,
        "clips": [{name: clip[name] for name in _SHOWN} for clip in clips],
        "pairs": [{name: pair[name] for name in _OF_PAIR} for pair in pairs.values()],
        "releases": [release.release_id for release in releases],
        "runs": [_trained(known, run, list(pairs)) for run in runs],
        "answers": sum(1 for clip in clips for _ in asked(known, clip["clip_id"])),
        "files": sorted({clip["shard"] for clip in clips}),
    }


def take_down(
    lake: Lake, id: str, reason: str, progress: Progress = silent
) -> tuple[dict[str, Any], Release | None]:
    """Bury `id` and make HEAD's release again without it: (what it touched, the new release)."""
    if not reason.strip():
        raise RequestError("--reason: expected why it is taken down, found nothing.")
    found = touched(lake, id)
    taken = [Taken(**{name: clip[name] for name in _FACTS}) for clip in found["clips"]]
    stone = bury(lake, id, taken, reason.strip())
    found["tombstone"] = lake.relative(stone)
    return found, _released(lake, progress)


def _released(lake: Lake, progress: Progress) -> Release | None:
    if lake.head() is None:
        return None
    before = read_release(lake, "HEAD")
    stops = [honoured(lake, stop) for stop in ingested(lake, before).values()]
    made = provenance(before.provenance.get("profile", ""))
    kept = {name: before.provenance[name] for name in ("skipped",) if name in before.provenance}
    return make_release(
        lake,
        stops,
        {part.dataset: part.train for part in before.parts},
        made | kept | {"after_takedown_of": before.release_id},
        progress,
        before.leakage,
        before.licences,
    )


def _clips(known: Known, id: str) -> list[Line]:
    """The clips meant: all of one sound, in whatever dataset and decoding of the lake."""
    if ":" not in id and (len(id) != 32 or not set(id) <= _HEX):
        raise UnknownId(f"{id!r}: expected 32 hex digits of a clip, or an origin (freesound:7).")
    first = None if ":" in id else known.clip(id)
    if first is None and ":" not in id:
        trace(known.lake, id)  # says what is close to it, if it is not something else
        raise UnknownId(f"{id}: expected a clip or an origin, found something else of that id.")
    taken = [Taken(**{name: first[name] for name in _FACTS})] if first else []
    kind = "clip" if first else "origin"
    stone = Tombstone(id=id, kind=kind, reason="", made="", clips=tuple(taken))
    found: dict[str, Line] = {}
    for stop in _stops(known):
        for clip_id in taken_down(known.lake, stop, [stone]):
            clip = known.clip(clip_id, stop.dataset)
            if clip:
                found[clip_id] = clip
    if not found:
        raise UnknownId(f"{id}: no clip of {known.lake.root} has this id or came from there.")
    return [found[clip_id] for clip_id in sorted(found)]


def _stops(known: Known) -> list[Ingested]:
    """Every ingestion that a release of the lake is made of."""
    stops = (ingested(known.lake, release).values() for release in known.releases)
    return sorted({stop for found in stops for stop in found})


def _pairs(known: Known, clip: Line) -> list[Line]:
    folder = known.lake.root / "pairs" / clip["dataset"]
    return [
        pair | {"file": known.lake.relative(path)}
        for path in sorted(folder.glob("*.parquet"))
        for pair in clip_pairs(path, clip["clip_id"])
    ]


def _is_in(known: Known, release: Release, pair: Line) -> bool:
    """Whether a release trains on a pair: its own pairs file has it, in a split it trains on."""
    return any(
        pair["split"] in part.train
        and any(
            same["pair_id"] == pair["pair_id"]
            for same in clip_pairs(known.lake.root / part.pairs.path, pair["clip_id"], ["pair_id"])
        )
        for part in release.parts
        if part.dataset == pair["dataset"]
    )


def _trained(known: Known, run: Run, pairs: list[str]) -> dict[str, Any]:
    find = partial(steps, known, run)
    read: int | None = sum(len(find(pair)) for pair in pairs)
    if run.config.get("stage") == "language_model":
        read = None  # it hears no sound, but learns from the text of every pair
    return {"run_id": run.run_id, "name": run.name, "steps_that_read_it": read}
