"""SoundDescs in small: lists of ids, a pickle of descriptions, and the BBC's sounds as MP3."""

import pickle
from functools import partial

from flows.mini.encoded import encoded
from flows.mini.pack import Content, Tree
from flows.mini.vocabulary import Clip, captions, clips

_COUNTS = {"train": 28, "val": 8, "test": 8}
_GONE, _BROKEN, _MUTE = "07099001", "07099002", "07099003"


def split_clips(split: str) -> list[Clip]:
    """The good clips of a split, called by the BBC's ids; WavCaps has some of train's too."""
    first = 1000 * (1 + list(_COUNTS).index(split))
    names = [
        f"nhu0503{first + number:04d}" if number % 2 else f"070{first + number:05d}"
        for number in range(_COUNTS[split])
    ]
    return clips("sounddescs", split, names, 0.4, 1.0, 1.5)


def tree() -> Tree:
    """What the authors' repository holds; links and zips spell ids in upper case."""
    listed = {split: [clip.name for clip in split_clips(split)] for split in _COUNTS}
    listed["train"] += [_GONE, _BROKEN, _MUTE]
    ids = [name for names in listed.values() for name in names] + ["07099004"]  # in no split
    site = "https://sound-effects-media.bbcrewind.co.uk/zip/"
    links = [f"{site}{name.upper()}.wav.zip\n" for name in ids]
    lists = {f"{split}_list.txt": _lines(names) for split, names in listed.items()}
    return {
        "download_links.txt": "".join(links).encode(),
        "descriptions.pkl": pickle.dumps(_descriptions(), protocol=4),
        **lists,
    }


def expected_clips() -> dict[str, int]:
    """Ids with a description: one of train's is gone, one is broken."""
    return _COUNTS | {"train": _COUNTS["train"] + 2}


def remotes() -> dict[str, Content]:
    """What the BBC answers, MP3 at 44.1 kHz."""
    made: dict[str, Content] = {
        f"clips/{clip.name}.mp3": partial(_mp3, clip)
        for split in _COUNTS
        for clip in split_clips(split)
    }
    return made | {f"clips/{_BROKEN}.mp3": b"ID3\x04" + bytes(40)}


def _descriptions() -> dict[str, str]:
    """In the manner of a catalogue: what it is, a dash, more about it."""
    said = {_GONE: "Traffic - with horns", _BROKEN: "Silence"}
    for split in _COUNTS:
        for number, clip in enumerate(split_clips(split)):
            nouns = ", ".join(kind.noun for kind in clip.kinds).capitalize()
            said[clip.name] = f"{nouns} - {captions(clip, 3)[number % 3]}."
    return said


def _lines(names: list[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _mp3(clip: Clip) -> bytes:
    return encoded(clip.samples(), "mp3")
