"""`pengi release make | list | show | diff | verify`."""

from typing import Annotated

import typer

from flows.commands.options import (
    DEFAULT_LAKE,
    AsJson,
    Choices,
    Copies,
    LakeDir,
    Leakage,
    Names,
    Profile,
    ReleaseId,
    Train,
    params,
    print_json,
    show,
)
from flows.steps import release as steps
from flows.steps.allowed import patterns
from flows.steps.lake import Lake
from flows.steps.progress import counted
from flows.steps.release_diff import diff
from schemas import RequestError

app = typer.Typer(no_args_is_help=True, help="Releases: immutable, hashed sets of pairs.")


@app.command("make")
def made(
    profile: Profile = "mini",
    lake: LakeDir = DEFAULT_LAKE,
    datasets: Names = "",
    raw: Copies = None,
    train: Train = None,
    leakage: Leakage = "paper",
    choice: Choices = None,
    licence_allow: Annotated[
        str, typer.Option(help="Only these licences: SPDX patterns, e.g. CC0-1.0,CC-BY-*.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Ingest what is not there yet and make a release of it, without training anything."""
    from flows.plan import choose, lacking
    from flows.releasing import ingest_and_release

    wanted = params(
        *(profile, lake, datasets, raw, train),
        leakage=leakage,
        choices=choice,
        licence_allow=patterns(licence_allow) if licence_allow else (),
    )
    choices = choose(wanted)
    if lines := lacking(wanted, choices):
        raise RequestError("this release cannot be made here:\n- " + "\n- ".join(lines))
    manifest = ingest_and_release(Lake.create(lake), choices, wanted, counted())
    show(manifest.model_dump() if as_json else steps.summary(manifest), as_json)


@app.command("list")
def listed(lake: LakeDir = DEFAULT_LAKE, as_json: AsJson = False) -> None:
    """Every release of the lake; HEAD is marked."""
    place = Lake.open(lake)
    head = place.head()
    found = [steps.read_release(place, name) for name in place.releases()]
    lines = [
        {"release_id": r.release_id, "pairs": r.pairs, "head": r.release_id == head} for r in found
    ]
    if as_json:
        print_json(lines)
        return
    for line in lines:
        typer.echo(f"{line['release_id']} {line['pairs']} pairs{' HEAD' if line['head'] else ''}")


@app.command("show")
def shown(
    release: ReleaseId = "HEAD", lake: LakeDir = DEFAULT_LAKE, as_json: AsJson = False
) -> None:
    """The manifest of a release: datasets, splits, counts, hours, provenance."""
    manifest = steps.read_release(Lake.open(lake), release)
    show(manifest.model_dump() if as_json else steps.summary(manifest), as_json)


@app.command("diff")
def differed(
    old: Annotated[str, typer.Argument(help="Release id, or HEAD.")],
    new: Annotated[str, typer.Argument(help="Release id, or HEAD.")],
    lake: LakeDir = DEFAULT_LAKE,
    limit: Annotated[int, typer.Option(min=0, help="Name so many pairs of each change.")] = 0,
    as_json: AsJson = False,
) -> None:
    """The pairs that one release has and the other has not: how many, of what, and why."""
    found = diff(Lake.open(lake), old, new, limit)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['old']} -> {found['new']}: {found['added']} added, {found['lost']} lost")
    for line in found["changes"]:
        typer.echo("{change:6} {dataset:16} {template:32} {reason:9} {pairs} pairs".format(**line))
    for pair in found["pairs"]:
        typer.echo("{change:6} {pair_id} {reason}: {input!r} -> {output!r}".format(**pair))


@app.command("verify")
def verified(
    release: ReleaseId = "HEAD", lake: LakeDir = DEFAULT_LAKE, as_json: AsJson = False
) -> None:
    """Hash every file of a release again; exit code 1 names each that changed."""
    damages = steps.verify(Lake.open(lake), release, counted())
    if as_json:
        print_json({"release": release, "damages": damages})
    else:
        typer.echo("\n".join(damages) if damages else "every byte is what it was")
    raise typer.Exit(1 if damages else 0)
