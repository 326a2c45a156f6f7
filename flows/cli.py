"""The command line: `pengi COMMAND`; exit code 1: the work failed, 2: the request was wrong."""

import os
import sys
from typing import NoReturn

import typer
from pydantic import ValidationError

from flows.commands import (
    auditing,
    generating,
    metrics,
    planning,
    reading,
    releases,
    running,
    stepping,
    training,
)
from schemas import RequestError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The reproduction of Pengi: raw archives in, the paper's result tables out.",
)
for command in (running.run, planning.plan, running.ingest):
    app.command()(command)
for command in (reading.results, reading.trace, reading.leaks, reading.report):
    app.command()(command)
for command in (generating.generate, auditing.takedown, auditing.export):
    app.command()(command)
app.command("fetch-spice")(metrics.fetch_spice)
for command in (training.train, training.evaluate, stepping.steps):
    app.command()(command)
app.add_typer(releases.app, name="release")


def main() -> None:
    """Entry point: one paragraph instead of a traceback for errors of data and of requests."""
    try:
        app()
    except Exception as fault:
        _explain(fault)


def _explain(fault: Exception) -> NoReturn:
    if os.environ.get("PENGI_TRACEBACK"):
        raise fault
    if isinstance(fault, ValidationError):
        lines = [f"{'.'.join(map(str, e['loc'])) or 'options'}: {e['msg']}" for e in fault.errors()]
        print(f"error: {'; '.join(lines)}", file=sys.stderr)
        sys.exit(2)
    print(f"error: {fault or type(fault).__name__}", file=sys.stderr)
    print("PENGI_TRACEBACK=1 shows where it came from.", file=sys.stderr)
    sys.exit(2 if isinstance(fault, RequestError) else 1)
