"""`pengi steps`: which steps of a run read a pair, which pairs a step read."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.options import DEFAULT_LAKE, AsJson, LakeDir, print_json
from flows.steps.lake import Lake, LakeError
from schemas import RequestError, Run

if TYPE_CHECKING:
    from flows.presented import Presented

_Found = dict[str, Any]


class UnknownRun(RequestError):
    """No such run, or none that reads pairs."""


def steps(
    pair: Annotated[str, typer.Option("--pair", help="A pair's id: the steps that read it.")] = "",
    step: Annotated[int, typer.Option("--step", help="A step: the pairs it read.")] = -1,
    run: Annotated[str, typer.Option("--run", help="A run's id or name; else all runs.")] = "",
    lake: LakeDir = DEFAULT_LAKE,
    as_json: AsJson = False,
) -> None:
    """Say which steps of a training read a pair, or which pairs a step read."""
    place = Lake.open(lake)
    if bool(pair) == (step >= 0):
        raise RequestError("give either --pair ID, or --step N with --run R")
    if pair:
        _tell_pair(place, pair, run, as_json)
    else:
        _tell_step(place, step, run, as_json)


def _tell_pair(lake: Lake, pair: str, name: str, as_json: bool) -> None:
    if len(pair) != 32 or not set(pair) <= set("0123456789abcdef"):
        raise RequestError(f"{pair!r} is no pair id: expected 32 hex digits")
    lines = [_of_pair(lake, run, pair) for run in _runs(lake, name)]
    if not any(line["positions"] for line in lines):
        asked = ", ".join(f"{line['name']} {line['run_id']}" for line in lines)
        raise RequestError(f"{pair}: expected a pair that a run reads; none of {asked} does")
    if as_json:
        print_json({"pair_id": pair, "runs": lines})
        return
    for line in lines:
        told = ", ".join(f"{read['step']} (epoch {read['epoch']})" for read in line["steps"])
        typer.echo(f"{line['name']} {line['run_id']}: {told or 'no step'}")


def _tell_step(lake: Lake, step: int, name: str, as_json: bool) -> None:
    from flows.presented import pairs_of_step

    found = _runs(lake, name)
    if len(found) != 1:
        raise RequestError(f"--step needs one --run, of {_listed(found)}")
    (run,) = found
    known = _order(lake, run)
    try:
        pairs = pairs_of_step(lake, known, step)
    except LakeError as fault:
        raise RequestError(f"run {run.run_id}: {fault}") from fault
    line: _Found = {"run_id": run.run_id, "name": run.name, "step": step}
    line |= {"ran": known.has_run(step), "pairs": pairs}
    if as_json:
        print_json(line)
        return
    if not line["ran"]:
        typer.echo(f"step {step} is planned and did not run", err=True)
    typer.echo("\n".join(pairs))


def _of_pair(lake: Lake, run: Run, pair: str) -> _Found:
    from flows.presented import positions_of_pair, readings

    known = _order(lake, run)
    positions = positions_of_pair(lake, known, pair)
    ran = (read for read in readings(known, positions) if known.has_run(read.step))
    found = [{"step": read.step, "epoch": read.epoch} for read in ran]
    line = {"run_id": run.run_id, "name": run.name, "pairs": known.n}
    return line | {"positions": positions, "steps": found}


def _runs(lake: Lake, name: str) -> list[Run]:
    """The runs that read pairs: of this id, else of this name, else all."""
    every = [
        Run.model_validate_json((lake.run(run_id) / "run.json").read_text())
        for run_id in lake.runs()
        if (lake.run(run_id) / "order.json").is_file()
    ]
    named = [run for run in every if run.run_id == name] or [
        run for run in every if name in ("", run.name)
    ]
    if not named:
        raise UnknownRun(f"no run {name!r} that reads pairs in order: {_listed(every) or 'none'}")
    return named


def _listed(runs: list[Run]) -> str:
    return ", ".join(f"{run.name} {run.run_id}" for run in runs)


def _order(lake: Lake, run: Run) -> "Presented":
    from flows.presented import presented

    known = presented(lake, run)
    assert known is not None  # `_runs` gives only those with an order
    return known
