"""Scores out of stored answers: no model is needed, so a score can be made again at any time."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from flows.steps.asked import Asked, Item, Measure
from flows.steps.bootstrap import interval
from flows.steps.lake import sha256_text
from flows.steps.matching import ScoreError, Space, cleaned, parts, spoken
from flows.steps.measures import first_part, measures
from flows.steps.metrics import value
from flows.steps.progress import Progress, silent
from schemas import Benchmark, Run
from schemas.tables import SCORES

_SPACES = ("pengi", "clip")
_SAME = ("release_id", "protocol_version", "decoding", "window")  # in all answers to one prompt
_Line = dict[str, Any]


def texts_needed(
    benchmark: Benchmark, answers: Iterable[str], captions: Iterable[str | None] = ()
) -> list[str]:
    """The texts whose vectors `score` will look up, sorted: label texts and what answers become.

    `captions` are those of the benchmark's rows, which retrieval ranks. Empty for benchmarks that
    are scored without the text encoder.
    """
    wanted = set(benchmark.labels.values())
    if benchmark.scoring == "match":
        wanted.update(cleaned(answer) for answer in answers)
    elif benchmark.scoring == "multilabel":
        for answer in answers:
            wanted.update([cleaned(answer), *parts(answer)])
    elif benchmark.scoring in ("text_to_audio", "audio_to_text"):
        wanted.update(cleaned(text) for text in (*answers, *captions) if text)
    elif benchmark.truth == "instrument":
        wanted.update(first_part(cleaned(answer)) for answer in answers)
    else:
        return []
    return sorted(wanted - {""})


def score(
    run: Run,
    benchmark: Benchmark,
    rows: pa.Table,
    answers: pa.Table,
    texts: pa.Table,
    n_official: int | None = None,
    progress: Progress = silent,
) -> pa.Table:
    """SCORES of one run on one benchmark: a line for every protocol, prompt and metric.

    rows: ROWS of the benchmark's splits with a column `clip_id` (null: the clip was rejected, the
    row is not scored); answers: ANSWERS, one for every row or one for every clip (and question);
    texts: TEXTS that hold `texts_needed`; n_official: clips of the published test set, where it is
    not the benchmark's. Intervals are bootstrapped over clips. ScoreError when a row lacks an
    answer, a text its vector or a truth its label.
    """
    spaces = {name: space for name in _SPACES if (space := Space.read(texts, name))}
    present = [row for row in rows.to_pylist() if row["clip_id"] is not None]
    present.sort(key=lambda row: (row["clip_id"], row["row_id"]))
    official = benchmark.n_official if n_official is None else n_official
    asked = list(_asked(run, benchmark, answers))
    found: list[_Line] = []
    for done, (protocol, prompt, headline, given) in enumerate(asked):
        progress(f"score {benchmark.name}", done, len(asked))
        one = Asked(benchmark, protocol, _items(benchmark, prompt, present, given), spaces)
        common: _Line = {
            **_names(run, benchmark, given),
            "protocol": protocol,
            "prompt": prompt,
            "n_official": official,
            "caution": "; ".join(cautions(run, one, given, len(rows) - len(present))) or None,
        }
        for place, measure in enumerate(measures(one)):
            found.append(common | {"headline": headline and place == 0} | _measured(measure))
    progress(f"score {benchmark.name}", len(asked), len(asked))
    return pa.Table.from_pylist(found, schema=SCORES)


def cautions(run: Run, asked: Asked, answers: Sequence[_Line], missing: int) -> Iterator[str]:
    """What a reader of the numbers has to know; `missing` rows have no clip."""
    if missing:
        yield f"{missing} of {missing + len(asked.items)} rows have no clip and are not scored"
    if (silent := sum(not output for output in asked.outputs)) and not asked.ranked:
        yield f"{silent} of {len(asked.items)} answers are empty and count as wrong"
    if asked.benchmark.labels and len(classes := {asked.truths(i) for i in asked.items}) == 1:
        yield f"all {len(asked.items)} items are {', '.join(classes.pop()) or 'without a label'}"
    if (release := answers[0]["release_id"]) not in (None, run.release_id):
        yield f"run trained on release {run.release_id}, asked about clips of release {release}"


def _names(run: Run, benchmark: Benchmark, answers: list[_Line]) -> _Line:
    """The columns of SCORES that say what was scored."""
    first = answers[0]
    kept = ("protocol_version", "decoding", "window")
    return {
        "run_id": run.run_id,
        "run": run.name,
        "release_id": first["release_id"] or run.release_id,
        "benchmark": benchmark.name,
        **{name: first[name] for name in kept},
        "answers_sha256": _answers_sha256(answers),
        "labels_sha256": sha256_text(*benchmark.labels, *benchmark.labels.values()),
    }


def _measured(measure: Measure) -> _Line:
    """The columns of SCORES that the measure itself fills; a value that is NaN is none."""
    line: _Line = {
        "metric": measure.metric,
        "chance": measure.chance,
        "ceiling": measure.ceiling,
        "n": len(measure.clips),
        "hits": measure.hits,
        "reason": measure.reason,
    }
    if measure.statistic is None:
        return line
    found = value(measure.statistic, len(measure.clips))
    if not math.isfinite(found):
        return line | {"reason": f"{measure.metric} of these answers is no number"}
    low, high = interval(measure.statistic, measure.clips)
    return line | {"value": found, "ci_low": low, "ci_high": high}


def _asked(
    run: Run, benchmark: Benchmark, answers: pa.Table
) -> Iterator[tuple[str, str, bool, list[_Line]]]:
    """(protocol, prompt, headline, answers), prompts in the benchmark's order."""
    groups: dict[tuple[str, int, str], list[_Line]] = {}
    for answer in answers.to_pylist():
        if (answer["run_id"], answer["benchmark"]) != (run.run_id, benchmark.name):
            raise ScoreError(
                f"answers: expected run {run.run_id} on {benchmark.name}, found run "
                f"{answer['run_id']} on {answer['benchmark']}. Score each file by itself."
            )
        rank, prompt = _template(benchmark, answer["prompt"])
        groups.setdefault((answer["protocol"], rank, prompt), []).append(answer)
    seen: set[str] = set()
    for protocol, rank, prompt in sorted(groups):
        given = groups[protocol, rank, prompt]
        for column in _SAME:
            if len(kinds := {answer[column] for answer in given}) > 1:
                raise ScoreError(
                    f"answers of run {run.run_id} on {benchmark.name}, protocol {protocol}: "
                    f"expected one {column}, found {sorted(map(str, kinds))}. Evaluate again."
                )
        yield protocol, prompt, protocol not in seen, given
        seen.add(protocol)


def _template(benchmark: Benchmark, prompt: str) -> tuple[int, str]:
    """Place and text of the benchmark's prompt that `prompt` is, filled in or not."""
    for rank, template in enumerate(benchmark.prompts):
        start = template.split("{")[0]
        if prompt == template or ("{" in template and prompt.startswith(start)):
            return rank, template
    return len(benchmark.prompts), prompt


def _items(
    benchmark: Benchmark, prompt: str, rows: list[_Line], answers: list[_Line]
) -> list[Item]:
    """Every row with its answer: the one given for it, else for its clip (and question)."""
    by_question = benchmark.scoring == "answer"
    row_of = {row["row_id"]: row for row in rows}
    by_row: dict[str, _Line] = {}
    by_clip: dict[tuple[str, str | None], _Line] = {}
    for answer in answers:
        row = row_of.get(answer["row_id"])
        if row is not None:
            by_row.setdefault(row["row_id"], answer)
        if not by_question or row is not None:
            question = spoken(row["question"]) if by_question and row is not None else None
            by_clip.setdefault((answer["clip_id"], question), answer)
    items: list[Item] = []
    for row in rows:
        question = spoken(row["question"]) if by_question else None
        answer = by_row.get(row["row_id"]) or by_clip.get((row["clip_id"], question))
        if answer is None:
            raise ScoreError(
                f"benchmark {benchmark.name}, prompt {prompt!r}: no answer for row {row['row_id']} "
                f"of clip {row['clip_id']}; {len(answers)} answers for {len(rows)} rows. "
                "Evaluate again."
            )
        candidates = tuple(answer["candidates"] or ())
        items.append(Item(row["clip_id"], row, answer["answer"] or "", candidates))
    if not items:
        raise ScoreError(
            f"benchmark {benchmark.name}: none of its rows has a clip, nothing to score."
        )
    return items


def _answers_sha256(answers: list[_Line]) -> str:
    """Over what was answered; its scores differ in the last bit between machines."""
    lines = sorted(
        (answer["clip_id"], answer["row_id"] or "", answer["prompt"], answer["answer"] or "")
        for answer in answers
    )
    return sha256_text(*(field for line in lines for field in line))
