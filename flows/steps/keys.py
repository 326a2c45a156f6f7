"""Keys of services, from the environment only: they stand in no ledger, log or error."""

import os

KEYS = {  # environment variable -> what it opens
    "FREESOUND_TOKEN": "the API of freesound.org; apply at https://freesound.org/apiv2/apply",
    "HF_TOKEN": "gated files of the Hugging Face hub; see https://huggingface.co/settings/tokens",
}


def key(name: str) -> str | None:
    """The key in environment variable `name`, or None."""
    assert name in KEYS
    return os.environ.get(name, "").strip() or None
