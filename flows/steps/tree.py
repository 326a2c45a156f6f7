"""A chain as a tree of lines for a terminal, with nothing in it that a terminal would obey."""

import unicodedata
from collections.abc import Iterator
from typing import Any

_ARROWS = {"back": "<-", "forth": "->"}


def as_tree(found: dict[str, Any]) -> str:
    """The node and all that hangs on it: "<-" is what it came from, "->" what came of it."""
    return "\n".join(_lines(found, "", ""))


def plain(text: object) -> str:
    """Text on one line: controls, format characters and half surrogates as escapes."""
    return "".join(_shown(sign) for sign in str(text))


def _lines(found: dict[str, Any], indent: str, arrow: str) -> Iterator[str]:
    yield f"{indent}{arrow}{found['kind']} {plain(found['id'])}"
    inner = f"{indent}{' ' * len(arrow)}   "
    for name, value in found["facts"].items():
        if value not in (None, "", [], {}):
            yield f"{inner}{name.replace('_', ' ')}: {plain(_value(value))}"
    for way, mark in _ARROWS.items():
        for child in found[way]:
            yield from _lines(child, inner, f"{mark} ")


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _shown(sign: str) -> str:
    if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return sign
    return sign.encode("unicode_escape", "surrogatepass").decode()
