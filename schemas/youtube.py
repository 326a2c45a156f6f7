"""Sounds of YouTube: how a segment of a video is named, and where somebody's copy has it."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from schemas.datasets import Remote
from schemas.licences import Credit

_ID = "[A-Za-z0-9_-]{11}"
_VIDEO = re.compile(_ID)
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# <id>, Y<id>, <id>_<start>, <id>_<start>_<end>; the times in seconds or in milliseconds
_FILE = re.compile(rf"Y?({_ID})(?:_([0-9]+(?:\.[0-9]+)?)(?:_[0-9]+(?:\.[0-9]+)?)?)?")
_SOUND = {"aac", "flac", "m4a", "mka", "mkv", "mp3", "mp4", "oga", "ogg", "opus", "wav", "webm"}


class Segment(NamedTuple):
    """A piece of a video, from `start` to `end` in seconds."""

    video: str
    start: float
    end: float

    @property
    def key(self) -> str:
        """Video and times, e.g. "--aE2O5G5WE_0.000_10.000"."""
        return f"{self.video}_{self.start:.3f}_{self.end:.3f}"

    @property
    def remote(self) -> Remote:
        """Where its sound is fetched; the name says m4a whatever the site gives."""
        return Remote(
            name=f"clips/{self.key}.m4a",
            url=f"youtube:{self.video}",
            start=self.start,
            end=self.end,
        )

    @property
    def credit(self) -> Credit:
        """The lists are licensed by their publishers, the sounds by who uploaded them."""
        return {
            "licence": "LicenseRef-YouTube",
            "attribution": f"https://www.youtube.com/watch?v={self.video}",
            "origin_ids": (f"youtube:{self.video}",),
        }


def segment(where: str, video: str, start: str, end: str) -> Segment:
    """The segment that a line of a list names; ValueError says where (`where`) one is damaged.

    That stops the reading: over 1 % of the ids begin with "-", which spreadsheets take for
    formulas, and a list without them would pass for a whole one.
    """
    if _VIDEO.fullmatch(video) and _SECONDS.fullmatch(start) and _SECONDS.fullmatch(end):
        return Segment(video, float(start), float(end))
    raise damaged(
        where,
        "a YouTube id of 11 characters (letters, digits, - and _), a start and an end in seconds",
        ", ".join(map(repr, (video, start, end))),
    )


def damaged(where: str, expected: str, found: str) -> ValueError:
    """What to raise for a line that no publisher wrote."""
    return ValueError(
        f"{where}: expected {expected}; found {found}. A spreadsheet or a cut-off download damaged "
        "this file: take the publisher's own again"
    )


class Copy:
    """Where a tree of files has which segment: files are known by the id in their name, in any
    folder and sound format, and by the start where their name says it."""

    def __init__(self, names: Iterable[str]) -> None:
        self._first: dict[str, str] = {}  # video -> file; most videos have one
        self._more: dict[str, list[str]] = {}
        for name in names:
            if (found := _file(name)) and self._first.setdefault(found[1], name) is not name:
                self._more.setdefault(found[1], []).append(name)

    def clip(self, wanted: Segment) -> str:
        """The file of a segment; where there is none, the name under which it is fetched."""
        if wanted.video in self._first:
            for name in (self._first[wanted.video], *self._more.get(wanted.video, ())):
                if (found := _file(name)) and _starts(found[2], wanted.start):
                    return name
        return wanted.remote.name


def _file(name: str) -> re.Match[str] | None:
    stem, _, kind = name.rpartition("/")[2].rpartition(".")
    return _FILE.fullmatch(stem) if kind.lower() in _SOUND else None


def _starts(said: str | None, start: float) -> bool:
    return said is None or float(said) in (start, round(1000 * start))
