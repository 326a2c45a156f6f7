"""The one flow: from raw archives to the paper's result tables, stop by stop."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from flows import mini
from flows.artifacts import show_results
from flows.evaluate import evaluate
from flows.ingest import ingest
from flows.params import Params
from flows.plan import Choice, refuse
from flows.provenance import provenance
from flows.releasing import release
from flows.runs import RUNS
from flows.secrets import fill_keys
from flows.shown import progress
from flows.steps.lake import Lake, sha256_text
from flows.steps.release import Ingested
from flows.steps.report import report
from flows.train import TrainingError, train
from schemas import Release, Run

_AT_ONCE = 2  # tasks side by side on one machine; each of them is one process's worth of work


@task(name="plan", task_run_name="plan {params.profile}")
def plan_run(params: Params) -> list[Choice]:
    """Choose datasets and splits; refuse at once, with every reason, what cannot be done here."""
    fill_keys()  # what has no key is left out
    return refuse(params)


@task(name="ingest", task_run_name="ingest {choice.file.dataset.name}")
def ingest_dataset(lake: Lake, choice: Choice, given: Path | None, world: str | None) -> Ingested:
    return ingest(lake, choice.file, given, world, progress())


@task(name="release")
def release_pairs(
    lake: Lake, ingested: list[Ingested], choices: list[Choice], params: Params
) -> Release:
    return release(lake, ingested, choices, params, progress())


def trainer_failed(_task: Any, _run: Any, state: State[Run]) -> bool:
    """Whether a new trainer may go on from the last checkpoint of the one that failed."""
    try:
        state.result()
    except TrainingError:
        return True
    except Exception:
        return False
    return False


@task(
    name="train",
    task_run_name="train {name}",
    retries=2,
    retry_delay_seconds=15,
    retry_condition_fn=trainer_failed,
)
def train_run(lake: Lake, release: Release, name: str, params: Params, parents: list[Run]) -> Run:
    settings = RUNS[params.profile][name]
    made_from = {run.name: run.run_id for run in parents}
    made = provenance(params.profile)
    return train(lake, release, name, settings, made_from, params.seed, made, progress())


@task(name="evaluate", task_run_name="evaluate {run.name}")
def evaluate_run(lake: Lake, release: Release, run: Run, choices: list[Choice]) -> list[Path]:
    benchmarks = [benchmark for choice in choices for benchmark in choice.benchmarks]
    return evaluate(lake, release, run, benchmarks, progress())


@task(name="report")
def report_runs(lake: Lake, release: Release, runs: list[Run]) -> Path:
    report_id = sha256_text(release.release_id, *(run.run_id for run in runs))[:16]
    show_results(lake, release.release_id)
    return report(lake, release.release_id, lake.report(report_id))


@flow(
    name="pengi",
    flow_run_name="pengi {params.profile}",
    task_runner=ThreadPoolTaskRunner(max_workers=_AT_ONCE),  # type: ignore[arg-type]
    validate_parameters=True,
)
def pengi(params: Params) -> Path:
    """Reproduce the paper under one profile; return the path of the report."""
    choices = plan_run(params)
    lake = Lake.create(params.lake)
    pairs = release_pairs(lake, _ingest_all(lake, params, choices), choices, params)
    language_model = train_run.submit(lake, pairs, "language_model", params, [])
    clap = train_run.submit(lake, pairs, "clap", params, [])
    parents: list[PrefectFuture[Run]] = [language_model, clap]
    trained = train_run(lake, pairs, "pengi", params, [run.result() for run in parents])
    runs = [clap.result(), trained]
    for run in runs:
        evaluate_run(lake, pairs, run, choices)
    return report_runs(lake, pairs, runs)


def _ingest_all(lake: Lake, params: Params, choices: list[Choice]) -> list[Ingested]:
    server = mini.serve(lake.world()) if params.has_world else nullcontext(None)
    with server as world:
        futures = [
            ingest_dataset.submit(lake, choice, params.raw.get(choice.file.dataset.name), world)
            for choice in choices
        ]
        return [future.result() for future in futures]
