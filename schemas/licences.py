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
_ESC = re.compile(  # one take in the list has a letter too many: [5-141683-Ad.ogg]
    r"^- \[(\d-\d+-[A-Z])[a-z]?\.ogg\]:\s+clip derived from (.+) \[(CC[^\]]*)\]\s*$"
)
_ESC_LICENCES = {
    "CC0": "CC0-1.0",
    "CC-BY": "CC-BY-3.0",
    "CC-BY-NC": "CC-BY-NC-3.0",
    "CC-Sampling+": "LicenseRef-CC-Sampling-Plus-1.0",
}
_NAMED = {"zero": "CC0-1.0", "sampling+": "LicenseRef-CC-Sampling-Plus-1.0"}


def spdx(text: str) -> str:
    """SPDX id of a Creative Commons address; anything else becomes a `LicenseRef-…`."""
    if found := _CREATIVE_COMMONS.search(text):
        kind, version = found[1].lower(), found[2]
        return _NAMED.get(kind, f"CC-{kind.upper()}-{version}")
    return "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-") or "Unknown")


def esc_credits(text: str) -> dict[str, Credit]:
    """Credit by "fold-id-take", out of the list that ESC-50 and ESC-10 have of their clips."""
    return {
        line[1]: {
            "licence": _ESC_LICENCES.get(line[3], "LicenseRef-Unknown"),
            "attribution": line[2],
        }
        for line in map(_ESC.match, text.splitlines())
        if line
    }
