"""File names that a table and a disk spell differently: "Chris&#39; Elevator", "Chris__39_ ...".

Clotho's names are Freesound titles, and its versions and copies disagree about odd characters.
"""

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

_ODD = re.compile(r"\W")


def respelt(wanted: Iterable[str], there: Iterable[str]) -> dict[str, str]:
    """The name on disk of each wanted name that is not there but for its odd characters.

    A name that is itself wanted stands for nothing else, and of two that are alike none is taken.
    """
    wanted, there = set(wanted), set(there)
    spare: defaultdict[str, set[str]] = defaultdict(set)
    for name in there - wanted:
        for spelling in _spellings(name):
            spare[spelling].add(name)
    found = {name: _alike(name, spare) for name in wanted - there}
    taken = [name for names in found.values() for name in names]
    return {
        name: next(iter(names))
        for name, names in found.items()
        if len(names) == 1 and taken.count(next(iter(names))) == 1
    }


def _alike(name: str, spare: dict[str, set[str]]) -> set[str]:
    return {other for spelling in _spellings(name) for other in spare.get(spelling, ())}


def _spellings(name: str) -> set[str]:
    """With "_" for every odd character, before and after "&#39;" and the like are read."""
    composed = unicodedata.normalize("NFC", name)
    return {_ODD.sub("_", composed), _ODD.sub("_", html.unescape(composed))}
