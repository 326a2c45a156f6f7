"""The one flow: from raw archives to the paper's result tables, stop by stop."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import mini
from flows.artifacts import show_results
from flows.evaluate import evaluate
from flows.ingest import ingest
from flows.params import Params
from flows.plan import Choice, refuse
from flows.provenance import provenance
from flows.releasing import release
from flows.runs import RUNS, asked_for
from flows.secrets import fill_keys
from flows.shown import progress, table
from flows.steps.lake import Lake, sha256_text
from flows.steps.release import Ingested
from flows.steps.report import report
from flows.train import TrainingError, lacks, train
from schemas import Release, Run

ANSWERING = ("clap", "pengi")  # stages that the benchmarks are asked of
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
    recipe = RUNS[params.profile][name]
    made_from = {run.name: run.run_id for run in parents}
    made = provenance(params.profile)
    shown = progress(artifact=True)
    return train(lake, release, name, recipe, made_from, params.seed, made, shown)


@task(name="evaluate", task_run_name="evaluate {run.name}")
def evaluate_run(lake: Lake, release: Release, run: Run, choices: list[Choice]) -> list[Path]:
    benchmarks = [benchmark for choice in choices for benchmark in choice.benchmarks]
    return evaluate(lake, release, run, benchmarks, progress(artifact=True))


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
    made = Making(lake, pairs, params, choices).all()
    path = report_runs(lake, pairs, list(made.runs.values()))
    table("runs", made.lines(), f"Runs on release {pairs.release_id}; report: {path}")
    made.complain()
    return path


class RunsFailed(Exception):
    """Runs that ended with an error; all that does not start from them is made and reported."""


@dataclass
class Making:
    """The runs of a flow run: each trained when the runs it starts from are there, then asked."""

    lake: Lake
    release: Release
    params: Params
    choices: list[Choice]
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    failed: dict[str, Exception] = field(default_factory=dict[str, Exception])

    def all(self) -> "Making":
        """Train what was asked for, side by side where parents allow, and evaluate it."""
        recipes = RUNS[self.params.profile]
        waiting = asked_for(recipes, self.params.runs)
        for name in list(waiting):
            if lack := lacks(self.release, recipes[name]):
                self.left_out[name] = lack
                waiting.remove(name)
        at_work: dict[PrefectFuture[Any], str] = {}
        while True:
            for name in [name for name in waiting if set(recipes[name].parents) <= set(self.runs)]:
                waiting.remove(name)
                at_work[self._trained(name, recipes[name].parents)] = name
            if not at_work:
                break
            future = next(iter(as_completed(list(at_work))))
            self._ended(at_work.pop(future), future, at_work)
        for name in waiting:
            absent = [parent for parent in recipes[name].parents if parent not in self.runs]
            self.left_out[name] = f"starts from {', '.join(absent)}, which is not there"
        return self

    def _trained(self, name: str, parents: tuple[str, ...]) -> PrefectFuture[Run]:
        made_from = [self.runs[parent] for parent in parents]
        return train_run.submit(self.lake, self.release, name, self.params, made_from)

    def _ended(
        self, name: str, future: PrefectFuture[Any], at_work: dict[PrefectFuture[Any], str]
    ) -> None:
        try:
            found = future.result()
        except Exception as fault:  # told by `complain`, when the others are through
            self.failed[name] = fault
            return
        if isinstance(found, Run):
            self.runs[name] = found
            if found.config["stage"] in ANSWERING:
                asked = evaluate_run.submit(self.lake, self.release, found, self.choices)
                at_work[asked] = name

    def lines(self) -> list[dict[str, str]]:
        """One line a run: its id, or why there is none."""
        return list(self._lines())

    def _lines(self) -> Iterator[dict[str, str]]:
        for name in asked_for(RUNS[self.params.profile], self.params.runs):
            run = self.runs.get(name)
            state = str(self.failed.get(name) or self.left_out.get(name, "made"))
            yield {"run": name, "run_id": run.run_id if run else "", "state": state}

    def complain(self) -> None:
        """RunsFailed, with the reason of each, if any run did not get through."""
        if self.failed:
            reasons = "; ".join(f"{name}: {fault}" for name, fault in self.failed.items())
            first = next(iter(self.failed.values()))
            raise RunsFailed(f"{len(self.failed)} runs failed: {reasons}") from first


def _ingest_all(lake: Lake, params: Params, choices: list[Choice]) -> list[Ingested]:
    server = mini.serve(lake.world()) if params.has_world else nullcontext(None)
    with server as world:
        futures = [
            ingest_dataset.submit(lake, choice, params.raw.get(choice.file.dataset.name), world)
            for choice in choices
        ]
        return [future.result() for future in futures]
