"""A voice whose pitch, pace, roughness and tremble follow the emotion; it says vowels only."""

from typing import NamedTuple

import numpy as np

from flows.mini import sounds
from flows.mini.sounds import Samples


class Voice(NamedTuple):
    """How an emotion speaks: pitch of a syllable (Hz, start to end), pace, roughness, tremble."""

    sentiment: str
    pitch: tuple[float, ...]
    syllables: float  # a second
    rough: float = 0.0  # share of amplitude taken by a fast beat
    tremble: float = 0.0  # share of pitch, 8 times a second


VOICES = {  # by the words of MELD, and two that others have besides
    "neutral": Voice("neutral", (150, 150), 3.5),
    "joy": Voice("positive", (260, 380, 300), 5.5),
    "sadness": Voice("negative", (170, 110), 1.6),
    "anger": Voice("negative", (240, 250, 210), 4.5, rough=0.9),
    "surprise": Voice("positive", (220, 520), 2.2),
    "fear": Voice("negative", (330, 350), 3.0, tremble=0.12),
    "disgust": Voice("negative", (120, 75), 2.4, rough=0.6),
    "calm": Voice("positive", (200, 185), 2.2),
    "contempt": Voice("negative", (110, 190, 100), 2.0),
}
_ALIKE = {
    "happy": "joy",
    "sad": "sadness",
    "angry": "anger",
    "fearful": "fear",
    "surprised": "surprise",
    "positive": "joy",
    "negative": "sadness",
}
_FORMANTS = ((700, 1100), (400, 2000), (450, 900))  # Hz: a, e, o


def voice(word: str) -> Voice:
    """The voice of an emotion (or sentiment), whatever word a dataset has for it."""
    return VOICES[_ALIKE.get(word, word)]


def speech(rng: np.random.Generator, said: Voice, count: int, rate: int = sounds.RATE) -> Samples:
    """`count` samples of syllables, each a pitch glide through one vowel, at some level."""
    out = 0.002 * rng.standard_normal(count)
    length = int(rate / said.syllables)
    speaker = rng.uniform(0.93, 1.07)
    for start in range(int(rng.uniform(0.02, 0.15) * rate), count - length, length):
        syllable = _syllable(rng, said, int(0.85 * length), speaker, rate)
        out[start : start + len(syllable)] += syllable
    return sounds.normalised(out) * 10 ** (rng.uniform(-6, -1) / 20)


def _syllable(
    rng: np.random.Generator, said: Voice, length: int, speaker: float, rate: int
) -> Samples:
    time = sounds.seconds(length, rate)
    pitch = sounds.glide(length, *said.pitch) * speaker
    pitch = pitch * (1 + said.tremble * np.sin(2 * np.pi * 8 * time))
    low, high = _FORMANTS[int(rng.integers(len(_FORMANTS)))]
    middle = float(pitch.mean())
    weights = tuple(
        1 / k
        + np.exp(-(((k * middle - low) / 200) ** 2))
        + np.exp(-(((k * middle - high) / 250) ** 2))
        for k in range(1, 16)
    )
    beat = 1 - said.rough * (np.sin(2 * np.pi * 55 * time) > 0)
    return sounds.harmonics(pitch, weights, rate) * beat * sounds.arch(length) ** 0.4
