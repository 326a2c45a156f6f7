"""`pengi results`, `pengi trace`, `pengi leaks`, `pengi report`: read what a lake holds."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from flows.commands.options import DEFAULT_LAKE, AsJson, LakeDir, ReleaseId, print_json
from flows.steps import leakage
from flows.steps import results as tables
from flows.steps.lake import Lake
from flows.steps.release import ingested, read_release


def results(
    lake: LakeDir = DEFAULT_LAKE,
    table: Annotated[str, typer.Option(help="Only this table, e.g. 3.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print our numbers beside the paper's, one line per cell."""
    cells = tables.results(Lake.open(lake))
    if table:
        cells = [cell for cell in cells if cell["table"] in (table, f"table{table}")]
    if as_json:
        print_json(cells)
        return
    form: Callable[[list[dict[str, Any]]], str] = tables.as_text
    if csv:
        form = tables.as_csv
    elif markdown:
        form = tables.as_markdown
    typer.echo(form(cells))


def trace(
    id: Annotated[
        str,
        typer.Argument(
            help="Pair, clip, origin (freesound:7), dataset, archive, release, run, RUN:STEP, "
            "RUN/BENCHMARK/ROW, or a result such as table3/Pengi/esc50."
        ),
    ],
    lake: LakeDir = DEFAULT_LAKE,
    as_json: AsJson = False,
) -> None:
    """Follow anything back to archive bytes and licences, and on to runs and numbers."""
    from flows.steps.tree import as_tree
    from flows.trace import trace as follow

    found = follow(Lake.open(lake), id)
    if as_json:
        print_json(found)
    else:
        typer.echo(as_tree(found))


def leaks(
    release: ReleaseId = "HEAD",
    lake: LakeDir = DEFAULT_LAKE,
    clips: Annotated[bool, typer.Option("--clips", help="Name every clip.")] = False,
    benchmarks: Annotated[
        list[str] | None, typer.Option(help="Path of a dataset file with benchmarks of your own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Training clips of a release that a benchmark of its datasets holds too, and how it shows."""
    from flows import datasets

    place = Lake.open(lake)
    manifest = read_release(place, release)
    train = {part.dataset: part.train for part in manifest.parts}
    files = [datasets.load(name) for name in (*datasets.names(), *(benchmarks or ()))]
    declared = [benchmark for file in files for benchmark in file.benchmarks]
    found = leakage.find(place, ingested(place, manifest).values(), train, declared)
    lines = leakage.summary(found)
    if as_json:
        compared = sorted(b.name for b in declared if b.dataset in train)
        facts = {"release": manifest.release_id, "leakage": manifest.leakage}
        print_json(facts | {"compared": compared, "summary": lines, "clips": found.to_pylist()})
        return
    for line in lines:
        typer.echo(
            "{dataset:16} {benchmark:20} {clips} clips, {pairs} pairs (by origin {origin}, "
            "by file {file}, by samples {samples})".format(**line)
        )
    for leak in found.to_pylist() if clips else []:
        typer.echo("{dataset} {clip}: {benchmark}, {example}".format(**leak))
    if not lines:
        typer.echo("no training clip is in a benchmark")


def report(release: ReleaseId = "HEAD", lake: LakeDir = DEFAULT_LAKE) -> None:
    """Write report.html of a release again, from stored scores."""
    from flows.steps.report import report as write

    place = Lake.open(lake)
    release_id = read_release(place, release).release_id
    typer.echo(f"report: {write(place, release_id, place.report(release_id))}")
