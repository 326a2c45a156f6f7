"""Clotho in small: three 7z archives, six CSVs, five captions a clip, faults in development."""

import csv
import io
from functools import partial

from flows.mini import sounds
from flows.mini.pack import Tree
from flows.mini.vocabulary import KINDS, Clip, captions, clips

_COUNTS = {"development": 160, "validation": 20, "evaluation": 60}
_TITLES = ("{} 01", "Field {}", "{} (close)", "{}_night recording", "my {} [stereo mix]")
_LICENCES = ("publicdomain/zero/1.0/", "licenses/by/3.0/", "licenses/by-nc/3.0/")
METADATA = [
    *("file_name", "keywords", "sound_id", "sound_link", "start_end_samples", "manufacturer"),
    "license",
]
_SHARED_SOUND = 86163  # one Freesound sound in two splits, as in the real dataset


def split_clips(split: str) -> list[Clip]:
    """The good clips of a split; ClothoAQA's clips are some of these."""
    names = [
        _TITLES[number % len(_TITLES)].format(KINDS[number % len(KINDS)].noun) + f" {number}.wav"
        for number in range(_COUNTS[split])
    ]
    return clips("clotho_v2", split, [f"{split} {name}" for name in names], 0.5, 2.0, 3.0)


def tree() -> Tree:
    """The archives of Zenodo record 4783391."""
    archives: Tree = {}
    for split in _COUNTS:
        made = split_clips(split)
        members: Tree = {f"{split}/{clip.name}": clip.wav for clip in made}
        lines = [[clip.name, *captions(clip, 5)] for clip in made]
        if split == "development":
            members |= _faulty_clips(made[0])
            lines += _faulty_lines()
        archives[f"clotho_audio_{split}.7z"] = members
        archives[f"clotho_captions_{split}.csv"] = table(
            ["file_name", *(f"caption_{k}" for k in range(1, 6))], lines
        )
        archives[f"clotho_metadata_{split}.csv"] = table(
            METADATA, [credit(clip, number) for number, clip in enumerate(made)], "latin-1"
        )
    return archives


def expected_clips() -> dict[str, int]:
    """Files named by the captions: three of development's cannot be used."""
    return _COUNTS | {"development": _COUNTS["development"] + 3}


def table(header: list[str], lines: list[list[str]], encoding: str = "utf-8") -> bytes:
    """A CSV file as spreadsheets write it."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *lines])
    return out.getvalue().encode(encoding)


def credit(clip: Clip, number: int) -> list[str]:
    """One line of the metadata CSV, ISO-8859-1; every fortieth sound is "Not found"."""
    sound = 100_000 + int(sounds.seeded("sound", clip.name).integers(300_000))
    if number == 7 and clip.split != "validation":
        sound = _SHARED_SOUND
    user = ("Zermonth", "José", "f-r-a-g-i-l-e")[number % 3]
    known = number % 40 != 39
    return [
        clip.name,
        ";".join(kind.noun for kind in clip.kinds),
        str(sound) if known else "Not found",
        f"https://freesound.org/people/{user}/sounds/{sound}" if known else "Not found",
        f"[0, {int(clip.length * sounds.RATE)}]",
        user,
        f"http://creativecommons.org/{_LICENCES[number % len(_LICENCES)]}",
    ]


def _faulty_clips(good: Clip) -> Tree:
    """A file cut off in its header, an empty one, and one that no caption names."""
    return {
        "development/broken download.wav": good.wav()[:30],
        "development/empty file.wav": b"",
        "development/nobody described me.wav": partial(sounds.wav, good.samples()[::-1]),
    }


def _faulty_lines() -> list[list[str]]:
    """Captions of unusable files; one caption is blank."""
    return [
        ["broken download.wav", *["a broken file"] * 5],
        ["empty file.wav", *["silence"] * 5],
        ["never uploaded.wav", *["a missing file"] * 4, " "],
    ]
