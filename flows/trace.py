"""`pengi trace ID`: the chain of anything in a lake, back to archive bytes and on to numbers."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import partial
from typing import NamedTuple

from flows import numbered
from flows.presented import presented, steps_of_pair
from flows.steps import subjects
from flows.steps.chain import Node, pair_node
from flows.steps.id_index import find_row, id_index, pairs_files, rows_at
from flows.steps.known import Known
from flows.steps.lake import Lake
from flows.steps.tree import plain
from schemas import RequestError, Run

KINDS = ("pair", "clip", "dataset", "archive", "release", "run", "step", "answer", "result cell")
_WHOLE, _FEWEST = 32, 6  # hex digits of a pair or clip id, and of the start of an id
_MANY = 10  # things that a start of an id may name before they are no longer listed


class UnknownId(RequestError):
    """Nothing in the lake has this id."""


class AmbiguousId(RequestError):
    """Several things in the lake have this id."""


class Named(NamedTuple):
    """Something that an id names; `node` makes its chain."""

    kind: str
    id: str
    node: Callable[[], Node]


def trace(lake: Lake, id: str) -> Node:
    """The node of what `id` names, with its chains; UnknownId or AmbiguousId with suggestions.

    Ids: 32 hex digits of a pair or clip, freesound:100032 (a clip's origin), the name of a dataset,
    sha256 or file name of an archive, a release or HEAD, a run (id or name), RUN:STEP,
    RUN/BENCHMARK/ROW (an answer), table3/Pengi/esc50 (a result). The first 6 digits may do.
    """
    known = Known(lake)
    found = {(one.kind, one.id): one for one in named(known, id.strip())}
    if len(found) > 1:
        lines = "\n".join(f"- {one.kind} {plain(one.id)}" for one in found.values())
        raise AmbiguousId(f"{plain(id)} names {len(found)} things, expected one of:\n{lines}")
    for one in found.values():
        return one.node()
    near = get_close_matches(id, list(_names(known)), n=5, cutoff=0.5)
    hint = f" Close to it: {', '.join(map(plain, near))}." if near else ""
    raise UnknownId(
        f"{plain(id)}: no {', '.join(KINDS[:-1])} or {KINDS[-1]} of {lake.root} has this id.{hint}"
    )


def named(known: Known, id: str) -> Iterator[Named]:
    """All that an id may name: what it names whole, else what begins with it."""
    found = [*_manifests(known, id), *_sources(known, id), *_clips_and_pairs(known, id)]
    found += [Named("step", id, node) for node in numbered.step(known, id)]
    found += [Named("answer", id, node) for node in numbered.answer(known, id)]
    found += [Named("result", name, node) for name, node in numbered.cell(known, id)]
    yield from found or _starting(known, id)


def steps(known: Known, run: Run, pair_id: str) -> list[int]:
    """The steps of a run that read a pair and are in its step log."""
    order = presented(known.lake, run)
    found = steps_of_pair(known.lake, order, pair_id) if order else []
    return [step for step in found if order and order.has_run(step)]


def _manifests(known: Known, id: str) -> Iterator[Named]:
    if (release := known.release(id)) is not None:
        yield Named("release", release.release_id, partial(subjects.release, known, release))
    elif id in known.lake.releases():
        yield Named("release", id, partial(numbered.damaged_release, known, id))
    head = known.lake.head()
    for run in known.runs:
        if id == run.run_id or (id == run.name and run.release_id == head):
            yield Named("run", run.run_id, partial(numbered.run, known, run))


def _sources(known: Known, id: str) -> Iterator[Named]:
    for name in known.lake.datasets():
        if name == id:
            yield Named("dataset", name, partial(subjects.dataset, known, name))
        for line in known.archives(name):
            if id in (line["sha256"], line["archive"]):
                place = f"{line['sha256']} ({name}: {line['archive']})"
                yield Named("archive", place, partial(subjects.archive, known, line))


def _clips_and_pairs(known: Known, id: str) -> Iterator[Named]:
    if _is_hex(id) and len(id) == _WHOLE:
        yield from _pair(known, id)
        yield from _clip(known, id)
    elif ":" in id:
        for clip_id in known.of_origin(id):
            yield from _clip(known, clip_id)


def _pair(known: Known, id: str) -> Iterator[Named]:
    if found := find_row(known.lake, pairs_files(known.lake), id, "pair_id"):
        path, row = found

        def chain() -> Node:
            return pair_node(known, path, rows_at(path, [row])[0], partial(steps, known))

        yield Named("pair", id, chain)


def _clip(known: Known, id: str) -> Iterator[Named]:
    if (clip := known.clip(id)) is not None:
        yield Named("clip", id, partial(subjects.clip, known, clip, partial(steps, known)))


def _starting(known: Known, id: str) -> Iterator[Named]:
    """Whatever begins with some hex digits."""
    if not _is_hex(id) or not _FEWEST <= len(id) < 64:
        return
    names = [*known.lake.releases(), *known.lake.runs()]
    for name in names:
        if name.startswith(id):
            yield from _manifests(known, name)
    for dataset in known.lake.datasets():
        for line in known.archives(dataset):
            if line["sha256"].startswith(id):
                yield from _sources(known, line["sha256"])
    if len(id) < _WHOLE:
        for path in pairs_files(known.lake):
            for pair in id_index(known.lake, path).starting(id, _MANY):
                yield from _pair(known, pair)
        for path in known.clips_files():
            for clip in id_index(known.lake, path, "clip_id").starting(id, _MANY):
                yield from _clip(known, clip)


def _is_hex(id: str) -> bool:
    return bool(id) and set(id) <= set("0123456789abcdef")


def _names(known: Known) -> Iterator[str]:
    """What a mistyped id may have meant."""
    yield from known.lake.releases()
    for run in known.runs:
        yield from (run.run_id, run.name)
    for name in known.lake.datasets():
        yield name
        yield from (line["archive"] for line in known.archives(name))
    yield from numbered.cell_names(known)
