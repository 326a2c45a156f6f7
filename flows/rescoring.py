"""Scores of stored answers made again: no model is loaded, no GPU needed."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.asking import prompted
from flows.steps.benchmarks import benchmark_rows
from flows.steps.lake import Lake, write_table
from flows.steps.progress import Progress, silent
from flows.steps.release import Ingested, ingested
from flows.steps.scores import score
from schemas import Benchmark, Release, Run
from schemas.tables import ANSWERS, SCORES


def rescore(
    lake: Lake,
    release: Release,
    run: Run,
    benchmarks: Iterable[Benchmark],
    progress: Progress = silent,
) -> list[Path]:
    """Paths of the scores of `run`, made again from every stored answer to one of `benchmarks`.

    Lines that say why there was no answer are kept. ScoreError when answers do not fit the rows.
    """
    versions = ingested(lake, release)
    declared = {benchmark.name: benchmark for benchmark in benchmarks}
    written: list[Path] = []
    for path in sorted((lake.run(run.run_id) / "answers").glob("*.parquet")):
        benchmark = declared.get(path.stem.rpartition("-")[0])
        if benchmark is None or benchmark.dataset not in versions:
            continue
        asked = prompted(run, benchmark, release)
        found = _scored(lake, run, asked, versions[benchmark.dataset], path.stem, progress)
        written.append(write_table(lake.scores(run.run_id, path.stem), found))
    return written


def _scored(
    lake: Lake, run: Run, benchmark: Benchmark, versions: Ingested, stem: str, progress: Progress
) -> pa.Table:
    rows = benchmark_rows(lake, benchmark, versions)
    texts = pq.read_table(lake.texts(run.run_id, stem))
    answers = _read(lake.answers(run.run_id, stem), ANSWERS)
    protocols = pc.unique(answers["protocol"])
    tables = [
        score(
            run,
            benchmark,
            rows,
            answers.filter(pc.equal(answers["protocol"], p)),
            texts,
            None,
            progress,
        )
        for p in protocols
    ]
    before = lake.scores(run.run_id, stem)
    if before.exists():
        old = _read(before, SCORES)
        tables.append(old.filter(pc.invert(pc.is_in(old["protocol"], protocols))))
    return pa.concat_tables(tables)


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    """A table with the columns of `schema`; those that an older version did not write are null."""
    whole = pa.concat_tables([schema.empty_table(), pq.read_table(path)], promote_options="default")
    return whole.select(schema.names)
