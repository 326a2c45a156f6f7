"""Licence and credit of single clips, as Freesound and the datasets made of it spell them."""

import re
from typing import TypedDict


class Credit(TypedDict, total=False):
    """What a Row says about who made its clip: the fields of the same names."""

    licence: str | None
    attribution: str | None
    origin_ids: tuple[str, ...]


_CREATIVE_COMMONS = re.compile(
    r"creativecommons\.org/(?:licenses|publicdomain)/"
    r"(by(?:-nc)?(?:-nd|-sa)?|zero|sampling\+)/(1\.0|2\.0|2\.5|3\.0|4\.0)\b",
    re.IGNORECASE,
)
_NAMED = {"zero": "CC0-1.0", "sampling+": "LicenseRef-CC-Sampling-Plus-1.0"}


def spdx(text: str) -> str:
    """SPDX id of a Creative Commons address; anything else becomes a `LicenseRef-…`."""
    if found := _CREATIVE_COMMONS.search(text):
        kind, version = found[1].lower(), found[2]
        return _NAMED.get(kind, f"CC-{kind.upper()}-{version}")
    return "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-") or "Unknown")
