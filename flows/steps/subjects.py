"""Whole chains of datasets, archives, clips and runs: back to bytes and licences, on to numbers."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.steps.chain import (
    SHOWN,
    Node,
    Steps,
    archive_node,
    brief,
    clip_node,
    licence_node,
    node,
    pair_node,
    part_node,
    release_node,
    run_facts,
    run_node,
    score_node,
)
from flows.steps.id_index import clip_pairs, opened
from flows.steps.known import Known, Line
from schemas import Release, Run


def clip(known: Known, facts: Line, steps: Steps) -> Node:
    """A clip, its pairs with all that they went into, and the answers about it."""
    pairs: dict[str, Node] = {}
    for path in sorted((known.lake.root / "pairs" / facts["dataset"]).glob("*.parquet")):
        for pair in clip_pairs(path, facts["clip_id"]):
            pairs.setdefault(pair["pair_id"], pair_node(known, path, pair, steps))
    for found in pairs.values():
        found["back"] = [link for link in found["back"] if link["kind"] != "clip"]
    return clip_node(known, facts, [*pairs.values(), *asked(known, facts["clip_id"])])


def dataset(known: Known, name: str) -> Node:
    """A dataset: its archives and licences, and what each release and run took of it."""
    back = [archive_node(line) for line in known.archives(name)]
    forth: list[Node] = []
    for release in known.releases:
        for part in release.parts:
            if part.dataset == name:
                mine = part_node(known, release, part)["facts"]
                runs = [_scored(known, run) for run in known.runs_on(release.release_id)]
                facts = brief(known, release) | {"pairs_of_it": mine["pairs"]}
                for key in ("splits", "templates", "licences", "clips", "rejected"):
                    facts[key] = mine[key]
                forth.append(node("release", release.release_id, facts, (), runs))
    held = {"sounds fetched one by one": known.remotes(name), "releases": len(forth)}
    return node("dataset", name, held, back, forth)


def archive(known: Known, line: Line) -> Node:
    """An archive: where it is from, the clips out of it, and the releases of its dataset."""
    clips = list(_clips_of(known, line))
    forth = [node("clip", c["clip_id"], {"name": c["name"]}) for c in clips[:SHOWN]]
    used = [
        node("release", release.release_id, brief(known, release))
        for release in known.releases
        if any(part.dataset == line["dataset"] and part.pair_counts for part in release.parts)
    ]
    back = [licence_node(name, None) for name in sorted({c["licence"] or "" for c in clips})]
    found = archive_node(line)
    found["facts"] |= {"dataset": line["dataset"], "clips": len(clips)}
    return found | {"back": back, "forth": [*forth, *used]}


def release(known: Known, found: Release) -> Node:
    """A release: what it is made of, and the runs and scores on it."""
    runs = [_scored(known, run) for run in known.runs_on(found.release_id)]
    return release_node(known, found, runs)


def run(known: Known, found: Run, facts: Line) -> Node:
    """A run, back to the archives and on to its scores; `facts` say what it read."""
    made = run_node(known, found, _headlines(known, found))
    made["facts"] |= facts
    return made


def _scored(known: Known, run: Run) -> Node:
    return node("run", run.run_id, run_facts(known, run), (), _headlines(known, run))


def _headlines(known: Known, run: Run) -> Iterator[Node]:
    for line in known.scores(run.run_id):
        if line["headline"]:
            yield score_node(line)


def asked(known: Known, clip_id: str) -> Iterator[Node]:
    """Answers of any run about a clip."""
    for run in known.runs:
        for path in sorted((known.lake.run(run.run_id) / "answers").glob("*.parquet")):
            yield from answers(path, clip_id)


def answers(path: Path, wanted: str, columns: Iterable[str] = ("clip_id", "row_id")) -> list[Node]:
    """The answers of one file about a clip or row."""
    table = opened(path).read(use_threads=False)
    found: list[Node] = []
    for line in table.drop_columns(["candidates"]).to_pylist():
        if wanted in (line[column] for column in columns):
            place = f"{line['run_id']}/{line['benchmark']}/{line['row_id'] or line['clip_id']}"
            found.append(node("answer", place, line))
    return found


def _clips_of(known: Known, line: Line) -> Iterator[Line]:
    names = ["clip_id", "name", "licence", "archive_sha256"]
    for path in known.clips_files(line["dataset"])[:1]:
        for batch in opened(path).iter_batches(columns=names, use_threads=False):
            for clip in batch.to_pylist():
                if clip["archive_sha256"] == line["sha256"]:
                    yield clip
