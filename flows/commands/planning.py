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
    from flows.estimate import PAPER_PAIRS
    from flows.plan import choose, describe, missing, skipped

    wanted = params(profile, lake, datasets, raw, train, test, choices=choice)
    absent, left_out, lines = missing(wanted, choose(wanted)), skipped(wanted), describe(wanted)
    if as_json:
        sums = {name: found.model_dump() for name, found in _sums(lines).items()}
        figures = {"total": sums, "paper_pairs": PAPER_PAIRS}
        shown = [line.model_dump() for line in lines]
        print_json({"datasets": shown, "skipped": left_out, "missing": absent} | figures)
        raise typer.Exit(1 if absent else 0)
    _show(lines, reasons)
    for name, why in left_out.items():
        typer.echo(f"skipped: {name}: {why}")
    for why in absent:
        typer.echo(f"missing: {why}")
    raise typer.Exit(1 if absent else 0)


def _show(lines: "list[PlanLine]", reasons: bool) -> None:
    from flows.estimate import PAPER_PAIRS

    here, everything = _sums(lines).values()
    table: list[tuple[str, ...]] = [_HEAD]
    for line in lines:
        names = ", ".join(line.benchmarks) or "-"
        table.append((line.dataset, line.obtain, *_figures(line.estimate), names))
    table.append(("can be had here", "", *_figures(here), "(sums of what is known)"))
    table.append(("all", "", *_figures(everything), "(sums of what is known)"))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        fields = (
            field.rjust(width) if 2 <= place < 7 else field.ljust(width)
            for place, (field, width) in enumerate(zip(row, widths, strict=True))
        )
        typer.echo("  ".join(fields).rstrip())
    typer.echo(
        f"pairs expected: {here.pairs or 0:,} here, {everything.pairs or 0:,} with what is left "
        f"out, of the paper's {PAPER_PAIRS:,}"
    )
    for line in lines if reasons else []:
        for choice in line.choices:
            others = f" (others: {', '.join(choice.others)})" if choice.others else ""
            typer.echo(f"choice: {line.dataset}.{choice.name}={choice.value}{others}: {choice.why}")


def _sums(lines: "list[PlanLine]") -> "dict[str, Estimate]":
    from flows.estimate import total

    here = [line.estimate for line in lines if line.obtain != "left out"]
    return {"here": total(here), "all": total([line.estimate for line in lines])}


def _figures(found: "Estimate") -> tuple[str, ...]:
    sizes = ("?" if size is None else f"{size / 1e9:,.1f}" for size in (found.download, found.disk))
    hours = "?" if found.hours is None else f"{found.hours:,.1f}"
    counts = ("?" if count is None else f"{count:,}" for count in (found.clips, found.pairs))
    return (*sizes, hours, *counts)
