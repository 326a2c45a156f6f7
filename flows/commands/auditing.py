"""`pengi takedown`, `pengi export`: act on what an audit found, and hand it on."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.options import DEFAULT_LAKE, AsJson, LakeDir, print_json
from flows.steps.lake import Lake
from flows.steps.progress import counted
from flows.steps.tree import plain
from schemas import RequestError


def takedown(
    id: Annotated[str, typer.Argument(help="A clip id, or an origin such as freesound:7.")],
    reason: Annotated[str, typer.Option(help="Why; recorded wherever it is left out.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it touches.")] = False,
    lake: LakeDir = DEFAULT_LAKE,
    as_json: AsJson = False,
) -> None:
    """Take a sound out of all later ingestions and releases, and make a release without it."""
    from flows.takedown import take_down, touched

    place = Lake.open(lake)
    if dry_run:
        found, release = touched(place, id), None
    else:
        found, release = take_down(place, id, reason, counted())
    found |= {"release": release.release_id if release else None, "dry_run": dry_run}
    if as_json:
        print_json(found)
        return
    for line in _told(found):
        typer.echo(plain(line))


def _told(found: dict[str, Any]) -> list[str]:
    clips = [f"clip: {c['clip_id']} {c['dataset']} {c['name']}" for c in found["clips"]]
    runs = [
        f"run: {r['name']} {r['run_id']} {_read(r['steps_that_read_it'])}" for r in found["runs"]
    ]
    lines = [
        *clips,
        f"pairs: {len(found['pairs'])}",
        f"releases: {', '.join(found['releases']) or 'none'}",
        *runs,
        f"answers about it: {found['answers']}",
        f"its bytes are in: {', '.join(found['files'])} (older releases keep them)",
    ]
    if found["dry_run"]:
        return [*lines, "nothing was changed (--dry-run)"]
    release = found["release"] or "none: the lake has no release yet"
    return [*lines, f"tombstone: {found['tombstone']}", f"release without it: {release}"]


def _read(steps: int | None) -> str:
    return "learned from its texts" if steps is None else f"read it in {steps} steps"


def export(
    what: Annotated[
        str, typer.Argument(help="croissant, attribution, datasheet, openlineage, or model.")
    ],
    release: Annotated[str, typer.Option(help="Release id, or HEAD.")] = "HEAD",
    run: Annotated[str, typer.Option(help="Of a model: the run's id or name.")] = "pengi",
    out: Annotated[
        Path | None,
        typer.Option(help="File to write, or of a model the new folder; standard output if none."),
    ] = None,
    lake: LakeDir = DEFAULT_LAKE,
) -> None:
    """Describe a release for others, or write a trained model with a card that names its data."""
    if what == "model":
        from flows.model_card import publish

        if out is None:
            raise RequestError("export model: expected a folder to write, found none. Give --out.")
        typer.echo(str(publish(Lake.open(lake), run, out)))
        return
    from flows.steps.exports import export as described

    text = described(Lake.open(lake), what, release)
    if out is None:
        typer.echo(text, nl=False)
        return
    from flows.steps.lake import written

    with written(out) as part:
        part.write_text(text)
    typer.echo(str(out))
