"""Chains of numbers: a result cell, an answer, a run, a step, each back to what made it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from flows.presented import Presented, lines_of_step, pairs_of_step, presentations, presented
from flows.steps import subjects
from flows.steps.chain import Node, clip_node, node, pair_node, run_node, score_node
from flows.steps.glance import glance
from flows.steps.id_index import opened
from flows.steps.known import Known, Line
from flows.steps.lake import LakeError
from flows.steps.results import results
from schemas import Run

_Make = Callable[[], Node]
_SAMPLE = 3  # pairs of a step and answers of a score that are followed to their archives


def run(known: Known, found: Run) -> Node:
    """A run with what it read of each dataset."""
    return subjects.run(known, found, read_by(known, found))


def read_by(known: Known, run: Run) -> Line:
    """How many samples the steps that ran read, and the datasets' shares of them."""
    try:
        order = presented(known.lake, run)
    except LakeError as fault:
        return {"reads": f"DAMAGED: {fault}"}
    if order is None:
        return {}
    return {"presentations": presentations(order), "pairs_in_order": order.n} | _shares(order)


def step(known: Known, id: str) -> Iterator[_Make]:
    """RUN:STEP, where RUN is a run's id or name."""
    name, colon, number = id.rpartition(":")
    if colon and number.isdecimal() and (found := _run(known, name)):
        order = presented(known.lake, found)
        if order is not None and int(number) < order.steps:
            yield partial(_step, known, found, order, int(number))


def answer(known: Known, id: str) -> Iterator[_Make]:
    """RUN/BENCHMARK/ROW, where ROW is the row asked about, or the clip."""
    name, _, rest = id.partition("/")
    benchmark, slash, subject = rest.partition("/")
    if slash and (found := _run(known, name)):
        folder = known.lake.run(found.run_id) / "answers"
        for path in sorted(folder.glob("*.parquet")):
            if path.stem.rpartition("-")[0] == benchmark:
                lines = subjects.answers(path, subject)
                if lines:
                    yield partial(_answer, known, found, path, lines)


def cell(known: Known, id: str) -> Iterator[tuple[str, _Make]]:
    """table3/Pengi/esc50, or with the metric behind it; "3/..." will do."""
    if id.count("/") < 2 or known.lake.head() is None:
        return
    wanted = id.casefold().removeprefix("table")
    for found in results(known.lake):
        name = cell_name(found)
        short = name.rpartition("/")[0]
        if wanted in (n.casefold().removeprefix("table") for n in (name, short)):
            yield name, partial(_cell, known, name, found)


def cell_name(found: Line) -> str:
    """table/row/column/metric."""
    return "/".join(found[part] for part in ("table", "row", "column", "metric"))


def cell_names(known: Known) -> Iterator[str]:
    """Short names of the result cells that have a number of ours."""
    for found in results(known.lake) if known.lake.head() else ():
        if found["ours"] is not None:
            yield cell_name(found).rpartition("/")[0]


def damaged_release(known: Known, id: str) -> Node:
    """A release whose manifest cannot be read."""
    return node("release", id, {"state": glance(known.lake, id).state})


def _run(known: Known, name: str) -> Run | None:
    head = known.lake.head()
    named = (run for run in known.runs if run.name == name and run.release_id == head)
    return known.run(name) or next(named, None)


def _shares(order: Presented) -> Line:
    ends = np.searchsorted(order.rows, [*order.starts, np.iinfo(np.uint32).max])
    counts = np.diff(ends).tolist()
    names = [path.parent.name for path in order.files]
    shares = {name: f"{count / order.n:.2%}" for name, count in zip(names, counts, strict=True)}
    return {"read_of": {name: share for name, share in shares.items() if share != "0.00%"}}


def _step(known: Known, run: Run, order: Presented, number: int) -> Node:
    ids = pairs_of_step(known.lake, order, number)
    pairs = [pair_node(known, path, line) for path, line in lines_of_step(order, number, _SAMPLE)]
    facts = {
        "ran": "yes" if order.has_run(number) else "no: planned, not in the step log",
        "pairs": len(ids),
        "pair_ids": ids,
        "followed": f"the first {len(pairs)}, each to its archive",
    }
    return node("step", f"{run.run_id}:{number}", facts, pairs, [run_node(known, run, whole=False)])


def _answer(known: Known, run: Run, path: Path, answers: list[Node]) -> Node:
    facts: dict[str, Any] = answers[0]["facts"]
    clip = known.clip(facts["clip_id"])
    back = [clip_node(known, clip)] if clip else []
    if len(answers) > 1:
        back = [*answers, *back]
    scores = [
        score_node(line)
        for line in opened(path.parents[1] / "scores" / path.name).read().to_pylist()
    ]
    return node("answer", answers[0]["id"], facts, [*back, run_node(known, run)], scores)


def _cell(known: Known, name: str, found: Line) -> Node:
    """A result: score, answers, checkpoint, run, release, pairs, archives, licences."""
    shown = ("paper", "ours", "ci_low", "ci_high", "chance", "n", "n_official", "benchmark")
    facts = {key: found[key] for key in (*shown, "prompt", "unit", "reason", "note")}
    made = known.run(found["run_id"]) if found["run_id"] else None
    if made is None or found["ours"] is None:
        return node("result", name, facts)
    path = _newest(known.lake.run(made.run_id) / "scores", found["benchmark"])
    lines = opened(path).read(use_threads=False).to_pylist()
    same = [
        line
        for line in lines
        if line["metric"] == found["metric"] and line["prompt"] == (found["prompt"] or "")
    ]
    chain = node_of_run(known, made)
    scores = [score_node(line, [_answers(known, path, line), chain]) for line in same[:1]]
    return node("result", name, facts, scores)


def node_of_run(known: Known, found: Run) -> Node:
    """A run down to archives, with what it read."""
    made = run_node(known, found)
    made["facts"] |= read_by(known, found)
    return made


def _answers(known: Known, scores: Path, score: Line) -> Node:
    path = scores.parents[1] / "answers" / scores.name
    lines = opened(path).read(use_threads=False).drop_columns(["candidates"]).to_pylist()
    prompt = score["prompt"].split("{")[0]
    asked = [
        line
        for line in lines
        if line["protocol"] == score["protocol"] and line["prompt"].startswith(prompt)
    ]
    facts = {"answers": len(asked), "file": known.lake.relative(path)}
    first = [
        node(
            "answer",
            f"{line['run_id']}/{line['benchmark']}/{line['row_id'] or line['clip_id']}",
            {key: line[key] for key in ("prompt", "answer", "score", "clip_id")},
        )
        for line in asked[:_SAMPLE]
    ]
    return node("answers", known.lake.relative(path), facts, first)


def _newest(folder: Path, benchmark: str) -> Path:
    """The scores that count: of a benchmark evaluated twice the last evaluation."""
    paths = (p for p in folder.glob("*.parquet") if p.stem.rpartition("-")[0] == benchmark)
    return max(paths, key=lambda path: (path.stat().st_mtime, path))
