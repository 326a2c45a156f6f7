"""Keys kept as Secret blocks of a Prefect server, put into the environment where steps look."""

import os

from prefect import settings
from prefect.blocks.system import Secret

BLOCKS = {"FREESOUND_TOKEN": "freesound-token", "HF_TOKEN": "hf-token"}


def fill_keys() -> None:
    """Set what the environment lacks of BLOCKS, where a server is configured and has the block."""
    if not settings.PREFECT_API_URL.value():
        return
    for variable, block in BLOCKS.items():
        if not os.environ.get(variable) and (value := _secret(block)):
            os.environ[variable] = value


def _secret(block: str) -> str | None:
    try:
        return str(Secret.load(block).get())  # pyright: ignore[reportAttributeAccessIssue]
    except ValueError:  # the server has no such block
        return None
