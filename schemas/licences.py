"""Licence and credit of single clips, as Freesound and the datasets made of it spell them."""

import re
from typing import TypedDict


class Credit(TypedDict, total=False):
    """What a Row says about who made its clip: the fields of the same names."""

    licence: str | None
    attribution: str | None
    origin_ids: tuple[str, ...]


class LicenceError(ValueError):
    """Text that is no SPDX expression."""


_WORDS = re.compile(r"[()]|[A-Za-z0-9.:+-]+")
_JOINED = {"AND", "OR", "WITH", "(", ")"}
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


def alternatives(expression: str) -> list[set[str]]:
    """What an SPDX expression lets one choose: sets of ids that hold together.

    "A AND (B OR C)" is [{A, B}, {A, C}]; "A WITH x" is one id. LicenceError where it is no
    expression (SPDX specification 2.3, annex D).
    """
    words = _WORDS.findall(expression)
    if not words or "".join(words) != re.sub(r"\s", "", expression):
        raise LicenceError(f"licence {expression!r}: expected an SPDX expression, e.g. CC-BY-4.0.")
    found, rest = _either(words)
    if rest:
        raise LicenceError(f"licence {expression!r}: {rest[0]!r} is not expected there.")
    return found


def _either(words: list[str]) -> tuple[list[set[str]], list[str]]:
    found, rest = _all(words)
    while rest and rest[0] == "OR":
        more, rest = _all(rest[1:])
        found = found + more
    return found, rest


def _all(words: list[str]) -> tuple[list[set[str]], list[str]]:
    found, rest = _one(words)
    while rest and rest[0] == "AND":
        more, rest = _one(rest[1:])
        found = [one | other for one in found for other in more]
    return found, rest


def _one(words: list[str]) -> tuple[list[set[str]], list[str]]:
    if words and words[0] == "(":
        found, rest = _either(words[1:])
        if not rest or rest[0] != ")":
            raise LicenceError("a bracket of an SPDX expression is not closed.")
        return found, rest[1:]
    if not words or words[0] in _JOINED:
        raise LicenceError(f"expected a licence id, found {words[0] if words else 'the end'}.")
    if len(words) > 2 and words[1] == "WITH" and words[2] not in _JOINED:
        return [{f"{words[0]} WITH {words[2]}"}], words[3:]
    return [{words[0]}], words[1:]
