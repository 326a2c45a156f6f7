"""`pengi fetch-spice`: what SPICE needs and no package carries."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import AsJson, show
from flows.steps import spice
from flows.steps.progress import counted


def fetch_spice(
    to: Annotated[
        Path | None,
        typer.Option(help="Folder; $PENGI_SPICE has to name it where it is not the default one."),
    ] = None,
    url: Annotated[str, typer.Option(help="Of the zip, or of a copy of it.")] = spice.URL,
    sha256: Annotated[str | None, typer.Option(help="Compare the zip with it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the parser of SPICE (Stanford CoreNLP 3.6.0, 0.5 GB, GPL) into this user's cache."""
    into = to or spice.folder()
    found = spice.fetch(into, url, sha256, counted())
    show({"folder": str(into)} | found, as_json)
