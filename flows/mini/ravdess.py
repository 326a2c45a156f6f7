"""RAVDESS in small: five actors speak, two of them sing; impossible names and a broken file."""

from functools import partial
from itertools import product

import numpy as np

from flows.mini import sounds
from flows.mini.pack import Tree
from flows.mini.voices import speech, voice

_RATE = 48_000  # Hz
_LENGTH = 1.2  # seconds; the publisher's clips last 3 to 5
_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
_SPEAKERS = ("01", "02", "03", "04", "05")
_SINGERS = ("01", "03")


def tree() -> Tree:
    """The two audio zips of the Zenodo record, both with folders Actor_NN."""
    spoken = [f"03-01-{e:02}-01-01-01-{a}.wav" for a, e in product(_SPEAKERS, range(1, 9))]
    sung = [f"03-02-{e:02}-01-02-01-{a}.wav" for a, e in product(_SINGERS, range(1, 7))]
    speech_zip = _members(spoken)
    speech_zip["Actor_05/03-01-08-02-01-01-05.wav"] = b"RIFF\0\0\0\0WAVE"  # cut off
    speech_zip["Actor_05/03-01-01-02-01-01-05.wav"] = _member("03-01-01-02-01-01-05.wav")
    speech_zip["Actor_05/copy of take 2.wav"] = _member("copy of take 2.wav")
    return {
        "Audio_Speech_Actors_01-24.zip": speech_zip,
        "Audio_Song_Actors_01-24.zip": _members(sung),
    }


def expected_clips() -> dict[str, int]:
    """Clips by fold of actors; the broken one is actor 5's."""
    return {"fold1": 14, "fold2": 8, "fold3": 14, "fold4": 8, "fold5": 9}


def _members(names: list[str]) -> Tree:
    return {f"Actor_{name[18:20]}/{name}": _member(name) for name in names}


def _member(name: str) -> partial[bytes]:
    return partial(_wav, name)


def _wav(name: str) -> bytes:
    """The voice of the emotion in the name; songs hold their notes longer."""
    parts = name.split("-")
    said = voice(_EMOTIONS[int(parts[2]) - 1] if len(parts) == 7 else "neutral")
    if parts[1:2] == ["02"]:
        said = said._replace(syllables=0.7 * said.syllables)
    rng: np.random.Generator = sounds.seeded("ravdess", name)
    return sounds.wav(speech(rng, said, int(_LENGTH * _RATE), _RATE), _RATE)
