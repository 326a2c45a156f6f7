"""`pengi run`, `pengi ingest`: make something happen."""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import pyarrow.parquet as pq
import typer

from flows.commands import reading
from flows.commands.options import (
    DEFAULT_LAKE,
    AsJson,
    Choices,
    Copies,
    LakeDir,
    Leakage,
    Names,
    Profile,
    RunNames,
    Test,
    Train,
    mapping,
    params,
    show,
)
from flows.steps.lake import Lake
from flows.steps.progress import counted

if TYPE_CHECKING:
    from flows.steps.release import Ingested

_START = 120  # seconds that a loaded machine may take to start a Prefect server


def run(
    profile: Profile = "mini",
    lake: LakeDir = DEFAULT_LAKE,
    datasets: Names = "",
    raw: Copies = None,
    train: Train = None,
    test: Test = None,
    leakage: Leakage = "paper",
    choice: Choices = None,
    runs: RunNames = "",
    seed: Annotated[int, typer.Option(help="Seed of every random choice in training.")] = 0,
) -> None:
    """Run the whole pipeline; what is finished in the lake is not done again."""
    from flows.plan import refuse

    wanted = params(profile, lake, datasets, raw, train, test, seed, leakage, choice, runs=runs)
    refuse(wanted)
    _records_in(Lake.create(lake))
    atexit.register(_say_no_more)  # before Prefect's own, so that it runs after them
    from flows.pengi import pengi

    with _prefect():
        path = pengi(wanted)
    reading.results(lake)
    typer.echo(f"report: {path}")


def ingest(
    name: Annotated[str, typer.Argument(help="A dataset's name, or the path of its file.")],
    lake: LakeDir = DEFAULT_LAKE,
    raw: Annotated[Path | None, typer.Option(help="Directory of a local copy.")] = None,
    mini: Annotated[bool, typer.Option("--mini", help="Use the synthesised archives.")] = False,
    choice: Annotated[
        list[str] | None, typer.Option(help="CHOICE=VALUE; `pengi plan --reasons` lists them.")
    ] = None,
    max_clips: Annotated[
        int | None, typer.Option(help="Keep so many clips, to try it out.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Hash what is there, try again what failed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch one dataset, normalise its audio and map its rows to pairs."""
    from flows import datasets
    from flows import mini as world
    from flows.ingest import ingest as bring

    file = datasets.load(name)
    dataset = datasets.with_choices(file.dataset, mapping("choice", choice, "="))
    place = Lake.create(lake)
    with world.serve(place.world()) if mini else nullcontext(None) as base:
        done = bring(
            place,
            file._replace(dataset=dataset),
            raw,
            base,
            counted(),
            refresh=refresh,
            max_clips=max_clips,
        )
    show(_counts(place, done), as_json)


def _counts(lake: Lake, done: "Ingested") -> dict[str, Any]:
    stages = (("rows", done.rows), ("audio", done.audio), ("pairs", done.pairs))
    return {
        "dataset": done.dataset,
        "clips": pq.read_metadata(lake.clips(done.dataset, done.audio)).num_rows,
        "pairs": pq.read_metadata(lake.pairs(done.dataset, done.pairs)).num_rows,
        "rejected": {
            stage: pq.read_metadata(lake.rejected(done.dataset, stage, version)).num_rows
            for stage, version in stages
        },
    }


def _say_no_more() -> None:
    """DuckDB's binding calls a leak what Prefect's threads hold until the very end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _records_in(lake: Lake) -> None:
    """Prefect's records of a run are kept inside the lake, not in the user's home."""
    for name, value in (
        ("PREFECT_HOME", str(lake.root / ".prefect")),
        ("PREFECT_LOGGING_LEVEL", "WARNING"),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("DO_NOT_TRACK", "1"),
    ):
        os.environ.setdefault(name, value)


@contextmanager
def _prefect() -> Iterator[None]:
    """A Prefect server that answers: the one configured, else one of our own for this run."""
    from prefect import settings

    if _answers(settings.PREFECT_API_URL.value()):
        yield
        return
    typer.echo("starting a Prefect server for this run ...", err=True)
    own: dict[Any, bool | int] = {
        settings.PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: True,
        settings.PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: _START,
    }
    with settings.temporary_settings(own, restore_defaults={settings.PREFECT_API_URL}):
        yield


def _answers(url: str | None) -> bool:
    if not url:
        return False
    try:
        return httpx.get(f"{url}/health", timeout=5.0).is_success
    except httpx.HTTPError:
        typer.echo(f"the Prefect server at {url} does not answer", err=True)
        return False
