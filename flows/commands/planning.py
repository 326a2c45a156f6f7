"""`pengi plan`: what a run would do, what it costs, and what is missing for it."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.options import (
    DEFAULT_LAKE,
    AsJson,
    Choices,
    Copies,
    LakeDir,
    Names,
    Profile,
    Test,
    Train,
    params,
    print_json,
)

if TYPE_CHECKING:
    from flows.estimate import Estimate
    from flows.plan import PlanLine

_HEAD = ("dataset", "obtain", "download GB", "disk GB", "hours", "clips", "pairs", "benchmarks")


def plan(
    profile: Profile = "mini",
    lake: LakeDir = DEFAULT_LAKE,
    datasets: Names = "",
    raw: Copies = None,
    train: Train = None,
    test: Test = None,
    choice: Choices = None,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Print every choice the paper leaves to us, and why.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a run would do and cost, and what is missing for it; exit code 1 if anything is.

    Figures are the publishers' and describe the real datasets; "?" where none is published.
    """
    from flows.estimate import PAPER_PAIRS, total
    from flows.plan import choose, describe, missing, skipped

    wanted = params(profile, lake, datasets, raw, train, test, choices=choice)
    choices = choose(wanted)
    lines, absent, left_out = describe(wanted, choices), missing(wanted, choices), skipped(wanted)
    everything = total([line.estimate for line in lines])
    if as_json:
        print_json(
            {
                "datasets": [line.model_dump() for line in lines],
                "skipped": left_out,
                "missing": absent,
                "total": everything.model_dump() | {"paper_pairs": PAPER_PAIRS},
            }
        )
        raise typer.Exit(1 if absent else 0)
    _show(lines, everything, reasons)
    for name, why in left_out.items():
        typer.echo(f"skipped: {name}: {why}")
    for why in absent:
        typer.echo(f"missing: {why}")
    raise typer.Exit(1 if absent else 0)


def _show(lines: "list[PlanLine]", everything: "Estimate", reasons: bool) -> None:
    from flows.estimate import PAPER_PAIRS

    table: list[tuple[str, ...]] = [_HEAD]
    for line in lines:
        names = ", ".join(line.benchmarks) or "-"
        table.append((line.dataset, line.obtain, *_figures(line.estimate), names))
    table.append(("all", "", *_figures(everything), "(sums of what is known)"))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        fields = (
            field.rjust(width) if 2 <= place < 7 else field.ljust(width)
            for place, (field, width) in enumerate(zip(row, widths, strict=True))
        )
        typer.echo("  ".join(fields).rstrip())
    typer.echo(f"{everything.pairs or 0:,} pairs expected of the paper's {PAPER_PAIRS:,}")
    for line in lines if reasons else []:
        for choice in line.choices:
            others = f" (others: {', '.join(choice.others)})" if choice.others else ""
            typer.echo(f"choice: {line.dataset}.{choice.name}={choice.value}{others}: {choice.why}")


def _figures(found: "Estimate") -> tuple[str, ...]:
    sizes = ("?" if size is None else f"{size / 1e9:,.1f}" for size in (found.download, found.disk))
    hours = "?" if found.hours is None else f"{found.hours:,.1f}"
    counts = ("?" if count is None else f"{count:,}" for count in (found.clips, found.pairs))
    return (*sizes, hours, *counts)
