"""Confusion matrices of closed benchmarks, from stored answers: what was said for each truth."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from flows.steps.checks import sql
from flows.steps.lake import Lake
from flows.steps.matching import Space, cleaned, note
from flows.steps.release import Ingested
from schemas import Benchmark, Run

_SILENT = "(no answer)"
_MOST = 60  # labels; beyond them a matrix is no picture any more
_Line = dict[str, Any]


class Matrix(NamedTuple):
    """counts[i][j]: items of label i that were answered as column j."""

    benchmark: str
    title: str
    prompt: str
    labels: list[str]
    columns: list[str]  # the labels, then "(no answer)" where one was empty
    counts: list[list[int]]
    hits: int
    n: int
    mistakes: list[tuple[str, str, int]]  # (truth, said, times), the most frequent first


def benchmark_rows(lake: Lake, benchmark: Benchmark, versions: Ingested) -> list[_Line]:
    """Rows of the benchmark's splits whose clip is there, with their `clip_id`."""
    with duckdb.connect() as con:
        con.register("row_table", pq.read_table(lake.rows(versions.dataset, versions.rows)))
        con.register("clip_table", pq.read_table(lake.clips(versions.dataset, versions.audio)))
        con.register("split_table", pa.table({"split": list(benchmark.splits)}))
        lines = con.sql(sql("build/benchmark_rows")).to_arrow_table().to_pylist()
    return [line for line in lines if line["clip_id"] is not None]


def closed(benchmark: Benchmark) -> bool:
    """Whether every answer is read as one of a few labels."""
    one = benchmark.scoring == "match" or benchmark.truth in ("instrument", "velocity")
    return one and benchmark.scoring in ("match", "field") and 1 < len(benchmark.labels) <= _MOST


def matrix(
    benchmark: Benchmark, rows: list[_Line], answers: Path, texts: Path, prompt: str
) -> Matrix | None:
    """The matrix of the generated answers to `prompt`; None where something is missing.

    rows: as `benchmark_rows` gives them; answers, texts: files of one evaluation.
    """
    given = {
        line["clip_id"]: cleaned(line["answer"] or "")
        for line in pq.read_table(answers).to_pylist()
        if line["protocol"] == "generate" and line["prompt"] == prompt
    }
    truths = [_truth(benchmark, row) for row in rows]
    if not rows or any(row["clip_id"] not in given for row in rows) or None in truths:
        return None
    labels = list(benchmark.labels)
    said = [given[row["clip_id"]] for row in rows]
    if (read := _read(benchmark, said, texts)) is None:
        return None
    columns = [_SILENT if c is None else labels[c] for c in read]
    pairs = Counter(zip((str(truth) for truth in truths), columns, strict=True))
    wide = [*labels, _SILENT] if _SILENT in columns else labels
    wrong = [(truth, column, times) for (truth, column), times in pairs.items() if truth != column]
    return Matrix(
        benchmark=benchmark.name,
        title=benchmark.title,
        prompt=prompt,
        labels=labels,
        columns=wide,
        counts=[[pairs[truth, column] for column in wide] for truth in labels],
        hits=sum(pairs[label, label] for label in labels),
        n=len(rows),
        mistakes=sorted(wrong, key=lambda line: (-line[2], line[0], line[1]))[:5],
    )


def _truth(benchmark: Benchmark, row: _Line) -> str | None:
    """The one label of a row, None where it has none, several or an unknown one."""
    found = row[benchmark.truth]
    names = [str(name) for name in (found if isinstance(found, list) else [found])]
    return names[0] if len(names) == 1 and names[0] in benchmark.labels else None


def _read(benchmark: Benchmark, said: list[str], texts: Path) -> list[int | None] | None:
    """The label that each answer is read as, as measures.py reads it; None without vectors."""
    if benchmark.truth == "velocity":
        return _nearest(benchmark, said)
    wanted = said
    if benchmark.truth == "instrument" and benchmark.scoring == "field":
        wanted = [cleaned(text.split(",")[0]) for text in said]
    space = Space.read(pq.read_table(texts), "pengi")
    labels = list(benchmark.labels.values())
    if space is None or not {*labels, *wanted} - {""} <= set(space.index):
        return None
    cosines = space.cosines(wanted, labels)
    if wanted is not said:
        cosines += 3.0 * _named(benchmark, wanted)  # a label that is named beats any cosine
    best = [int(place) for place in cosines.argmax(axis=1)]
    return [place if text else None for place, text in zip(best, wanted, strict=True)]


def _named(benchmark: Benchmark, said: list[str]) -> NDArray[np.float64]:
    labels = [_instrument(label) for label in benchmark.labels.values()]
    return np.asarray([[_instrument(text) == label for label in labels] for text in said], float)


def _instrument(text: str) -> str:
    text = cleaned(text).replace("_", " ")
    return note(text).get("instrument", text)


def _nearest(benchmark: Benchmark, said: list[str]) -> list[int | None]:
    values = [int(label) for label in benchmark.labels]
    found = [note(text).get(benchmark.truth) for text in said]
    return [
        None if text is None else min(range(len(values)), key=lambda i: abs(values[i] - int(text)))
        for text in found
    ]


def matrices(
    lake: Lake,
    run: Run,
    scores: Iterable[_Line],
    declared: Mapping[str, Benchmark],
    versions: Mapping[str, Ingested],
) -> list[Matrix]:
    """The matrices of a run's headline prompts, the smallest first."""
    found: list[Matrix] = []
    for line in scores:
        benchmark = declared.get(line["benchmark"])
        mine = line["headline"] and line["protocol"] == "generate" and line["run"] == run.name
        if not mine or benchmark is None or not closed(benchmark):
            continue
        versioned = versions[benchmark.dataset]
        answers = sorted((lake.run(run.run_id) / "answers").glob(f"{benchmark.name}-*.parquet"))
        texts = [lake.texts(run.run_id, path.stem) for path in answers]
        if answers and texts[-1].is_file():
            rows = benchmark_rows(lake, benchmark, versioned)
            made = matrix(benchmark, rows, answers[-1], texts[-1], line["prompt"])
            found += [made] if made else []
    return sorted(found, key=lambda made: (len(made.labels), made.title))
