"""A lake that the flow made with a few training steps, and the command line to look at it with."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from flows import cli
from flows.params import Params
from flows.runs import RUNS, Recipe
from flows.steps.lake import Lake
from pengi_model.settings import GenerativeSettings, PretrainedSettings


class Said(NamedTuple):
    """What a command ended with and printed."""

    code: int
    out: str
    err: str


Pengi = Callable[..., Said]


@pytest.fixture
def pengi(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pengi:
    """`pengi("results", "--lake", path)` in this process."""

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["pengi", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Said(int(ended.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def short_runs() -> Iterator[None]:
    """Profile mini with a handful of steps per training: the path is tested, not the answers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RUNS, "mini", {name: _short(run) for name, run in RUNS["mini"].items()})
        yield


@pytest.fixture(scope="session")
def run_flow(prefect_server: None, short_runs: None) -> Callable[[Path], Path]:
    """Run the flow on ESC-10's small copy into a lake; gives the path of the report."""
    from flows.pengi import pengi as flow

    return lambda root: flow(Params(profile="mini", datasets=["esc10"], runs=["pengi"], lake=root))


@pytest.fixture(scope="session")
def flow_lake(tmp_path_factory: pytest.TempPathFactory, run_flow: Callable[[Path], Path]) -> Lake:
    """A finished lake of profile mini with one dataset."""
    root = tmp_path_factory.mktemp("flow") / "lake"
    run_flow(root)
    return Lake.open(root)


def _short(recipe: Recipe) -> Recipe:
    run = recipe.settings
    assert not isinstance(run, PretrainedSettings)  # mini fetches no model
    few = replace(run.schedule, steps=6, warmup=1, batch=8)
    if isinstance(run, GenerativeSettings):
        return replace(
            recipe, settings=replace(run, schedule=few, warmup=replace(few, steps=4), passes=1)
        )
    return replace(recipe, settings=replace(run, schedule=few))
