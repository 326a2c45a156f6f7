"""Stop 6: a run answers every benchmark; answers and text vectors are kept, scores follow.

Protocols: "generate" asks Pengi with each prompt (sec. 4.2), "cosine" ranks the label texts by the
contrastive model (App. D and H), "likelihood" by the language model (Fig. 3), "probe" by layers
trained on the frozen audio encoder (Table 9). A benchmark is written when it is done, so that a
kill costs one benchmark at most.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from flows.answering import BEAM, Answering, Line
from flows.asking import VERSIONS, is_pengi, prompted, protocols
from flows.examples import write_examples
from flows.hearing import EvaluationError
from flows.probing import probes
from flows.steps.benchmarks import benchmark_rows
from flows.steps.lake import Lake, sha256_text, write_table
from flows.steps.matching import ScoreError, cleaned
from flows.steps.progress import Progress, silent
from flows.steps.release import Ingested, ingested
from flows.steps.scores import score, texts_needed
from schemas import Benchmark, Release, Run
from schemas.tables import ANSWERS, SCORES, TEXTS

_Ask = Callable[[Benchmark, Ingested, pa.Table], Iterator[Line]]


def evaluate(
    lake: Lake,
    release: Release,
    run: Run,
    benchmarks: Iterable[Benchmark],
    progress: Progress = silent,
) -> list[Path]:
    """Paths of the scores of `run` on `benchmarks`; what is there is not redone.

    A benchmark that cannot be asked or scored gets a line with its reason in place of a value.
    EvaluationError when the run was trained on another release.
    """
    if run.release_id != release.release_id:
        raise EvaluationError(
            f"run {run.run_id} ({run.name}) was trained on release {run.release_id}, asked to "
            f"answer the benchmarks of release {release.release_id}. Give the run's own release."
        )
    torch.set_num_threads(1)
    versions = ingested(lake, release)
    answering = Answering(lake, run, progress)
    written: list[Path] = []
    shown: list[Benchmark] = []
    for declared in benchmarks:
        asked = protocols(run, declared)
        if not asked or declared.dataset not in versions:
            continue
        benchmark = prompted(run, declared, release)
        shown.append(benchmark)
        found = versions[benchmark.dataset]
        key = _key(benchmark, found, asked)
        if not _settled(path := lake.scores(run.run_id, key)):
            write_table(path, _scored(answering, benchmark, found, asked, key))
        written.append(path)
    if is_pengi(run) and not all(map(_failed, written)):
        write_examples(answering, release, shown)
    return written


def _scored(
    answering: Answering, benchmark: Benchmark, versions: Ingested, asked: tuple[str, ...], key: str
) -> pa.Table:
    """SCORES of one benchmark, answered first where it is not yet."""
    lake, run = answering.lake, answering.run
    rows = benchmark_rows(lake, benchmark, versions)
    given, texts = lake.answers(run.run_id, key), lake.texts(run.run_id, key)
    failed: dict[str, str] = {}
    if not _answers_all(given, texts, asked):
        answers, vectors, failed = _answered(answering, benchmark, versions, rows, asked)
        write_table(given, answers)
        write_table(texts, vectors)
    answers, vectors = pq.read_table(given), pq.read_table(texts)
    _check_release(answers, run, given)
    tables: list[pa.Table] = []
    for protocol in answers["protocol"].unique().to_pylist():
        one = answers.filter(pc.equal(answers["protocol"], protocol))
        try:
            tables.append(score(run, benchmark, rows, one, vectors, progress=answering.progress))
        except ScoreError as error:
            failed[protocol] = str(error)
    return pa.concat_tables([*tables, _reasons(run, benchmark, failed)])


def _answered(
    answering: Answering,
    benchmark: Benchmark,
    versions: Ingested,
    rows: pa.Table,
    asked: tuple[str, ...],
) -> tuple[pa.Table, pa.Table, dict[str, str]]:
    """ANSWERS, TEXTS that scoring looks up, and for protocols without answers the reason."""
    lines: list[Line] = []
    vectors = TEXTS.empty_table()
    failed: dict[str, str] = {}
    for protocol in asked:
        try:
            found = _checked(benchmark, _asks(answering)[protocol](benchmark, versions, rows))
            if protocol == "generate":
                said = [line["answer"] for line in found]
                vectors = answering.texts(
                    texts_needed(benchmark, said, rows["caption"].to_pylist())
                )
        except EvaluationError as error:
            failed[protocol] = str(error)
        else:
            lines += [{"protocol": protocol, **line} for line in found]
    stated = _stated(answering, benchmark) if lines else {}
    filled = [stated | line | _derived(line) for line in lines]
    return pa.Table.from_pylist(filled, schema=ANSWERS), vectors, failed


def _answers_all(given: Path, texts: Path, asked: tuple[str, ...]) -> bool:
    """Whether stored answers cover every protocol: one that failed is tried again."""
    if not texts.exists():
        return False
    return set(asked) <= set(pq.read_table(given, columns=["protocol"])["protocol"].to_pylist())


def _asks(answering: Answering) -> dict[str, _Ask]:
    return {
        "generate": answering.generated,
        "cosine": answering.ranked,
        "likelihood": answering.likelihoods,
        "probe": partial(probes, answering),
    }


def _checked(benchmark: Benchmark, lines: Iterator[Line]) -> list[Line]:
    """The lines, if there are any and every score is a number."""
    found = list(lines)
    if not found:
        raise EvaluationError(
            f"{benchmark.name}: none of the rows in splits {', '.join(benchmark.splits)} has a "
            "clip. Look for the reasons below the lake's `rejected`."
        )
    for line in found:
        if not math.isfinite(line["score"]):
            raise EvaluationError(
                f"{benchmark.name}: the answer to clip {line['clip_id']} has the score "
                f"{line['score']}. The training diverged: lower its rate, then train again."
            )
    return found


def _stated(answering: Answering, benchmark: Benchmark) -> Line:
    """The columns of ANSWERS that all lines of a benchmark share."""
    return {
        "run_id": answering.run.run_id,
        "release_id": answering.run.release_id,
        "benchmark": benchmark.name,
        "window": answering.window,
        "labels_sha256": sha256_text(*benchmark.labels, *benchmark.labels.values()),
    }


def _derived(line: Line) -> Line:
    version = VERSIONS[line["protocol"]]
    return {"protocol_version": version, "empty": not cleaned(line["answer"])}


def _check_release(answers: pa.Table, run: Run, path: Path) -> None:
    """EvaluationError where stored answers are of another run or release than `run`'s."""
    found = {(line["run_id"], line["release_id"]) for line in answers.to_pylist()}
    if found - {(run.run_id, run.release_id)}:
        raise EvaluationError(
            f"{path}: expected answers of run {run.run_id} on release {run.release_id}, found "
            f"{sorted(found)}. Delete the file and the one of the same name under texts, then "
            "evaluate again."
        )


def _reasons(run: Run, benchmark: Benchmark, failed: dict[str, str]) -> pa.Table:
    """SCORES without a value, one for each protocol that failed."""
    stated = {
        "run_id": run.run_id,
        "run": run.name,
        "release_id": run.release_id,
        "benchmark": benchmark.name,
        "metric": benchmark.metric,
        "headline": True,
        "n_official": benchmark.n_official,
    }
    lines = [
        stated
        | {"protocol": protocol, "protocol_version": VERSIONS[protocol], "reason": reason}
        | {"prompt": benchmark.prompts[0] if protocol == "generate" else ""}
        for protocol, reason in failed.items()
    ]
    return pa.Table.from_pylist(lines, schema=SCORES)


def _settled(path: Path) -> bool:
    """Whether scores are there that need not be tried again."""
    return path.exists() and _scored_clips(path).null_count == 0


def _failed(path: Path) -> bool:
    """Whether scores hold nothing but reasons."""
    found = _scored_clips(path)
    return found.null_count == len(found)


def _scored_clips(path: Path) -> pa.ChunkedArray:
    """n of every score; null where there is a reason in place of a score."""
    return pq.read_table(path, columns=["n"])["n"]


def _key(benchmark: Benchmark, versions: Ingested, asked: tuple[str, ...]) -> str:
    """File stem of answers and scores: the benchmark, and a hash of all they follow from."""
    how = [f"{protocol} {VERSIONS[protocol]}" for protocol in asked]
    content = sha256_text("evaluation-2", benchmark.model_dump_json(), *versions, *how, BEAM)
    return f"{benchmark.name}-{content[:8]}"
