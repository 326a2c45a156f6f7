"""Options that several commands share, and how values are printed."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.params import Params

LakeDir = Annotated[Path, typer.Option("--lake", envvar="PENGI_LAKE", help="The data directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Profile = Annotated[str, typer.Option(help="mini, small, open or paper.")]
Names = Annotated[str, typer.Option("--datasets", help="Names or files, separated by commas.")]
Copies = Annotated[list[str] | None, typer.Option("--raw", help="NAME=DIR, a local copy.")]
Leakage = Annotated[str, typer.Option(help="paper (no filter) or strict.")]
Choices = Annotated[
    list[str] | None, typer.Option("--choice", help="NAME.CHOICE=VALUE; `pengi plan` lists them.")
]
Train = Annotated[list[str] | None, typer.Option(help="NAME:split,split to train on.")]
Test = Annotated[list[str] | None, typer.Option(help="NAME:split,split to test on.")]
RunNames = Annotated[
    str, typer.Option("--runs", help="Trainings to make, separated by commas; else all.")
]
ReleaseId = Annotated[str, typer.Argument(help="Release id, or HEAD.")]
DEFAULT_LAKE = Path("lake")


def params(
    profile: str,
    lake: Path,
    datasets: str,
    raw: list[str] | None,
    train: list[str] | None,
    test: list[str] | None = None,
    seed: int = 0,
    leakage: str = "paper",
    choices: list[str] | None = None,
    licence_allow: tuple[str, ...] = (),
    runs: str = "",
) -> Params:
    """The flow's parameters out of the command line's options."""
    return Params.model_validate(
        {
            "profile": profile,
            "lake": lake,
            "datasets": datasets.split(",") if datasets else None,
            "raw": mapping("raw", raw, "="),
            "train": {k: v.split(",") for k, v in mapping("train", train, ":").items()},
            "test": {k: v.split(",") for k, v in mapping("test", test, ":").items()},
            "runs": runs.split(",") if runs else None,
            "seed": seed,
            "leakage": leakage,
            "choices": chosen(choices),
            "licence_allow": list(licence_allow),
        }
    )


def chosen(choices: list[str] | None) -> dict[str, dict[str, str]]:
    """{dataset: {choice: value}} out of NAME.CHOICE=VALUE."""
    found: dict[str, dict[str, str]] = {}
    for place, value in mapping("choice", choices, "=").items():
        name, mark, choice = place.partition(".")
        if not mark or not choice:
            raise typer.BadParameter(f"--choice {place}={value}: expected NAME.CHOICE=VALUE")
        found.setdefault(name, {})[choice] = value
    return found


def show(value: dict[str, Any], as_json: bool) -> None:
    """Print a mapping, one line an entry, or as JSON."""
    if as_json:
        print_json(value)
        return
    for name, content in value.items():
        typer.echo(f"{name}: {content}")


def print_json(value: Any) -> None:
    """Print indented JSON."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def mapping(option: str, values: list[str] | None, mark: str) -> dict[str, str]:
    """{name: value} out of the repeated values NAME<mark>VALUE of an option."""
    pairs: dict[str, str] = {}
    for value in values or []:
        name, found, rest = value.partition(mark)
        if not found or not rest:
            raise typer.BadParameter(f"--{option} {value}: expected NAME{mark}VALUE")
        pairs[name] = rest
    return pairs
