"""`pengi train`, `pengi evaluate`: one run on a release, without the flow around it."""

from typing import Annotated

import typer

from flows.commands.options import (
    DEFAULT_LAKE,
    AsJson,
    LakeDir,
    Test,
    params,
    show,
)
from flows.steps.lake import Lake
from flows.steps.progress import counted
from flows.steps.release import read_release
from schemas import Release, RequestError, Run

OnRelease = Annotated[str, typer.Option("--release", help="Release id, or HEAD.")]
OfProfile = Annotated[str, typer.Option("--profile", help="Whose settings; else the release's.")]


def train(
    name: Annotated[str, typer.Argument(help="A run, e.g. pengi or frozen_pengi.")],
    release: OnRelease = "HEAD",
    profile: OfProfile = "",
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    nproc: Annotated[int, typer.Option(min=1, help="Processes a machine, one a GPU.")] = 1,
    nnodes: Annotated[int, typer.Option(min=1, help="Machines that share the lake.")] = 1,
    node_rank: Annotated[int, typer.Option(min=0, help="Number of this machine.")] = 0,
    rendezvous: Annotated[str, typer.Option(help="HOST:PORT of one of the machines.")] = "",
    lake: LakeDir = DEFAULT_LAKE,
    as_json: AsJson = False,
) -> None:
    """Train one run, and those it starts from, on a release; from the last checkpoint if any."""
    from flows.launch import Launch
    from flows.provenance import provenance
    from flows.runs import RUNS, asked_for
    from flows.train import lacks
    from flows.train import train as make

    place = Lake.open(lake)
    pairs = read_release(place, release)
    chosen = _profile(pairs, profile)
    recipes, launch = RUNS[chosen], Launch(nproc, nnodes, node_rank, rendezvous)
    made: dict[str, Run] = {}
    for each in asked_for(recipes, [name]):
        recipe = recipes[each]
        if lack := lacks(pairs, recipe):
            raise RequestError(f"{each} cannot be trained: {lack}")
        parents = {parent: made[parent].run_id for parent in recipe.parents}
        origin = provenance(chosen)
        made[each] = make(place, pairs, each, recipe, parents, seed, origin, counted(), launch)
    run = made[name]
    model = place.run(run.run_id) / "model"
    facts = {"run": name, "run_id": run.run_id, "release": run.release_id}
    show(facts | {"model": str(model)}, as_json)


def evaluate(
    run: Annotated[str, typer.Argument(help="A run's id, or the name of the newest one.")],
    release: OnRelease = "HEAD",
    benchmarks: Annotated[str, typer.Option(help="Names, separated by commas; else all.")] = "",
    test: Test = None,
    lake: LakeDir = DEFAULT_LAKE,
    as_json: AsJson = False,
) -> None:
    """Ask a run the benchmarks of its release's datasets; what is answered is not asked again."""
    from flows import datasets
    from flows.evaluate import evaluate as ask
    from flows.plan import choose

    place = Lake.open(lake)
    found = _run(place, release, run)
    pairs = read_release(place, found.release_id)
    names = [part.dataset for part in pairs.parts if part.dataset in datasets.names()]
    train = [f"{part.dataset}:{','.join(part.train)}" for part in pairs.parts if part.train]
    choices = choose(params(_profile(pairs), lake, ",".join(names), None, train, test))
    declared = {each.name: each for choice in choices for each in choice.benchmarks}
    wanted = benchmarks.split(",") if benchmarks else list(declared)
    if unknown := sorted(set(wanted) - set(declared)):
        raise RequestError(f"no benchmark {', '.join(unknown)}: {', '.join(sorted(declared))}")
    paths = ask(place, pairs, found, [declared[name] for name in wanted], counted())
    written = [place.relative(path) for path in paths]
    show({"run": found.name, "run_id": found.run_id, "scores": written}, as_json)


def _profile(release: Release, given: str = "") -> str:
    from flows.profiles import PROFILES

    profile = given or release.provenance.get("profile", "mini")
    if profile not in PROFILES:
        raise RequestError(f"no profile {profile}: {', '.join(PROFILES)}")
    return profile


def _run(lake: Lake, release: str, text: str) -> Run:
    """The run of this id, else the release's newest of this name."""
    from flows.steps.results import chosen_runs
    from flows.train import read_run

    if text in lake.runs():
        return read_run(lake, text)
    named = {run.name: run for run in chosen_runs(lake, read_release(lake, release))}
    if text not in named:
        known = ", ".join(f"{run.name} {run.run_id}" for run in named.values())
        raise RequestError(f"no run {text} on release {release}: {known or 'it has none'}")
    return named[text]
