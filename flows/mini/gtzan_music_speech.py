"""GTZAN Music/Speech in small: twenty clips of the ten genres, twenty of single speakers."""

from functools import partial

import numpy as np

from flows.mini import sounds
from flows.mini.music import GENRES, halved, music, speech
from flows.mini.pack import Tree
from flows.mini.sounds import RATE, Samples

_COUNT = 20  # clips of a label
_LENGTH = 2.0  # seconds; the publisher's clips last 30


def tree() -> Tree:
    """The archive, with a macOS file."""
    members: Tree = {
        f"music_speech/{label}_wav/{label}{number:02d}.wav": partial(_wav, label, number)
        for label in ("music", "speech")
        for number in range(_COUNT)
    }
    members["music_speech/music_wav/._music00.wav"] = b"\0\x05\x16\x07" + bytes(207)
    return {"music_speech.tar.gz": members}


def expected_clips() -> dict[str, int]:
    """Files in the two folders."""
    return {"all": 2 * _COUNT}


def _wav(label: str, number: int) -> bytes:
    rng = sounds.seeded("gtzan_music_speech", label, number)
    heard = halved(_heard(label, number, rng)) * 10 ** (rng.uniform(-6, -1) / 20)
    return sounds.wav(heard, RATE // 2)


def _heard(label: str, number: int, rng: np.random.Generator) -> Samples:
    count = int(_LENGTH * RATE)
    if label == "speech":
        return speech(rng, count)
    return music(list(GENRES)[number % len(GENRES)], rng, count)
