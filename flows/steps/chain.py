"""Links of a chain: each function makes a node, with what it came from under `back`.

A node is {"kind", "id", "facts", "back", "forth"}: plain values, ready for JSON or a page.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from flows.steps.glance import glance
from flows.steps.id_index import opened, rows_at
from flows.steps.known import Known, Line, steps_that_ran
from flows.steps.lake import LakeError
from flows.steps.tally import tally
from schemas import Part, Release, Run

Node = dict[str, Any]
Steps = Callable[[Run, str], list[int]]  # the steps of a run that read a pair
SHOWN = 10  # of what there may be thousands of


def node(
    kind: str, id: str, facts: Line, back: Iterable[Node] = (), forth: Iterable[Node] = ()
) -> Node:
    return {"kind": kind, "id": id, "facts": facts, "back": list(back), "forth": list(forth)}


def licence_node(licence: str | None, attribution: str | None) -> Node:
    return node("licence", licence or "not stated", {"attribution": attribution or "none stated"})


def archive_node(line: Line) -> Node:
    """A line of FETCHES or REMOTES."""
    names = ("url", "path", "bytes", "sha256", "retrieved", "checksum", "verified", "note")
    facts = {name: line.get(name) for name in names if line.get(name) is not None}
    return node("archive", line["archive"], facts)


def clip_node(known: Known, clip: Line, forth: Iterable[Node] = ()) -> Node:
    names = (
        *("name", "dataset", "seconds", "source_sha256", "source_bytes", "source_format"),
        *("sample_sha256", "decoder", "downmix", "shard", "offset", "bytes", "origin_ids"),
    )
    back = [
        archive_node(known.archive_of(clip)),
        licence_node(clip["licence"], clip["attribution"]),
    ]
    return node("clip", clip["clip_id"], {name: clip[name] for name in names}, back, forth)


def pair_node(known: Known, path: Path, pair: Line, steps: Steps | None = None) -> Node:
    """A line of PAIRS; with `steps` also the releases and runs it went into."""
    facts = {name: value for name, value in pair.items() if name not in ("pair_id", "clip_id")}
    clip = known.clip(pair["clip_id"], pair["dataset"])
    row = node("row", pair["row_id"], {"split": pair["split"], "dataset": pair["dataset"]})
    back = [row, clip_node(known, clip) if clip else _lost(pair["clip_id"])]
    forth = into(known, path, pair, steps) if steps else ()
    return node("pair", pair["pair_id"], facts | {"file": known.lake.relative(path)}, back, forth)


def into(known: Known, path: Path, pair: Line, steps: Steps) -> list[Node]:
    """The releases that a pair is in, each with the runs that read it and their steps."""
    found: list[Node] = []
    for release, part in known.parts_with(path):
        if pair["split"] in part.train:
            runs = [_reader(run, pair, steps) for run in known.runs_on(release.release_id)]
            found.append(node("release", release.release_id, brief(known, release), (), runs))
    return found


def brief(known: Known, release: Release) -> Line:
    """What tells releases apart."""
    return {
        "pairs": release.pairs,
        "made": release.provenance.get("made"),
        "leakage": release.leakage,
        "head": known.lake.head() == release.release_id,
        "state": glance(known.lake, release.release_id).state,
    }


def release_node(known: Known, release: Release, forth: Iterable[Node] = ()) -> Node:
    parts = [part_node(known, release, part) for part in release.parts if part.pair_counts]
    facts = brief(known, release) | {
        "code": release.provenance.get("code_commit"),
        "pairs_sha256": release.pairs_sha256,
        "manifest": known.lake.relative(known.lake.release(release.release_id)),
    }
    return node("release", release.release_id, facts, parts, forth)


def part_node(known: Known, release: Release, part: Part) -> Node:
    """What a dataset brings into a release: counts by template and licence, one pair, archives."""
    try:
        lines, first = tally(known.lake, part), example(known, part)
    except LakeError as fault:
        return node("dataset", part.dataset, {"state": f"DAMAGED: {fault}"})
    facts = {
        "pairs": sum(part.pair_counts.values()),
        "clips": part.clips_in_release,
        "splits": list(part.train),
        "templates": {
            f"{name} version {release.templates[name]}": count
            for name, count in part.pair_counts.items()
        },
        "licences": _sums(lines, "licence"),
        "rejected": part.rejected,
        "pairs_file": part.pairs.path,
        "pairs_file_sha256": part.pairs.sha256,
    }
    archives = known.archives(part.dataset)
    back = [*first, *(archive_node(line) for line in archives[:SHOWN])]
    if len(archives) > SHOWN:
        facts["archives_not_shown"] = len(archives) - SHOWN
    if remotes := known.remotes(part.dataset):
        facts["sounds_fetched_one_by_one"] = remotes
    return node("dataset", part.dataset, facts, back)


def example(known: Known, part: Part) -> list[Node]:
    """The first pair that a part trains on, down to its archive: one of many, to follow."""
    path = known.lake.root / part.pairs.path
    file = opened(path)
    if not part.pair_counts or not file.metadata.num_rows:
        return []
    splits = file.iter_batches(1000, row_groups=[0], columns=["split"], use_threads=False)
    for start, batch in enumerate(splits):
        for row, split in enumerate(batch["split"].to_pylist()):
            if split in part.train:
                return [pair_node(known, path, rows_at(path, [start * 1000 + row])[0])]
    return []


def run_node(known: Known, run: Run, forth: Iterable[Node] = (), whole: bool = True) -> Node:
    """A run: its settings, what it really did, its checkpoint; back to release and parents."""
    folder = known.lake.run(run.run_id)
    files = sorted(path for path in (folder / "model").rglob("*") if path.is_file())
    checkpoint = node(
        "checkpoint",
        known.lake.relative(folder / "model"),
        {path.name: f"{path.stat().st_size} bytes" for path in islice(files, SHOWN)}
        or {"state": "not there: the training has not ended, or somebody deleted it"},
    )
    back = [checkpoint]
    if whole:
        release = known.release(run.release_id)
        back += [release_node(known, release)] if release else [_no_release(known, run.release_id)]
        parents = (known.run(run_id) for run_id in run.parents.values())
        back += [run_node(known, parent, whole=False) for parent in parents if parent]
    return node("run", run.run_id, run_facts(known, run), back, forth)


def run_facts(known: Known, run: Run) -> Line:
    return {
        "name": run.name,
        "stage": run.config.get("stage"),
        "seed": run.config.get("seed"),
        "release": run.release_id,
        "steps": steps_that_ran(known.lake, run.run_id),
        "code": run.provenance.get("code_commit"),
        "code_sha256": run.code_sha256,
        "made": run.provenance.get("made"),
    }


def score_node(line: Line, back: Iterable[Node] = ()) -> Node:
    """A line of SCORES."""
    names = ("metric", "value", "ci_low", "ci_high", "n", "n_official", "protocol", "prompt")
    facts = {name: line[name] for name in (*names, "answers_sha256", "reason") if line.get(name)}
    return node("score", f"{line['run_id']}/{line['benchmark']}/{line['metric']}", facts, back)


def _reader(run: Run, pair: Line, steps: Steps) -> Node:
    ran = steps(run, pair["pair_id"])
    facts = {"name": run.name, "presented": len(ran), "at_steps": ran[:SHOWN]}
    if len(ran) > SHOWN:
        facts["more_steps"] = len(ran) - SHOWN
    if run.config.get("stage") == "language_model":
        facts = {"name": run.name, "presented": "its texts only; this stage hears no sound"}
    return node("run", run.run_id, facts)


def _sums(lines: list[Line], column: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        name = line[column] or "not stated"
        found[name] = found.get(name, 0) + line["pairs"]
    return found


def _lost(clip_id: str) -> Node:
    return node("clip", clip_id, {"state": "no clips.parquet of the lake has it any more"})


def _no_release(known: Known, release_id: str) -> Node:
    why = next((line for line in known.damaged if release_id in line), "its manifest is gone")
    return node("release", release_id, {"state": f"FAILS VERIFICATION: {why}"})
