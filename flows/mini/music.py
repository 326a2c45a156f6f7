"""Ten genres of music and a voice, synthesised: each genre is a beat, a bass and an instrument.

A genre plays sixteen steps again and again in its own tempo; "x" strikes, "." rests. A sound is a
float array at 44.1 kHz with a peak of 1, as in `sounds`.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from flows.mini import sounds
from flows.mini.sounds import RATE, Samples


class Genre(NamedTuple):
    """What is heard of a genre."""

    tempo: float  # beats a minute; a step is a quarter of a beat
    drums: dict[str, str]  # drum -> when it strikes
    bass: str  # semitones above the root as hexadecimal digits
    chords: str  # when a chord is struck
    notes: tuple[int, ...]  # of the chord, semitones above the root
    root: float  # Hz
    partials: tuple[float, ...]  # of the instrument that plays the chords
    held: float  # seconds until half of a chord is gone
    drive: float = 0.0  # distortion
    single: bool = False  # one note of the chord at a time


_SAW = tuple(1 / k for k in range(1, 13))
_SQUARE = tuple((k % 2) / k for k in range(1, 12))
_PLUCK = (1.0, 0.8, 0.6, 0.5, 0.5, 0.4, 0.3, 0.3)
_PIANO = (1.0, 0.4, 0.25, 0.1, 0.05)
_STRINGS = (1.0, 0.7, 0.5, 0.4, 0.3, 0.2)
_ORGAN = (1.0, 0.9, 0.0, 0.8, 0.0, 0.0, 0.0, 0.6)

GENRES = {
    "blues": Genre(
        tempo=84,
        drums={"kick": "x.......x.......", "hat": "x..xx..xx..xx..x"},
        bass="0..04..47..79..7",
        chords="....x..x....x..x",
        notes=(0, 4, 7, 10),
        root=165,
        partials=_ORGAN,
        held=0.25,
        drive=0.6,
    ),
    "classical": Genre(
        tempo=60,
        drums={},
        bass="................",
        chords="x...x...x...x...",
        notes=(0, 7, 12, 16),
        root=262,
        partials=_STRINGS,
        held=3.0,
    ),
    "country": Genre(
        tempo=104,
        drums={"brush": "....x.......x..."},
        bass="0.......7.......",
        chords="..x.x.x...x.x.xx",
        notes=(0, 4, 7, 12),
        root=392,
        partials=_PLUCK,
        held=0.06,
    ),
    "disco": Genre(
        tempo=122,
        drums={"kick": "x...x...x...x...", "clap": "....x.......x...", "open": "..x...x...x...x."},
        bass="0.c.0.c.0.c.0.c.",
        chords="x.xx..x.x.xx..x.",
        notes=(0, 3, 7),
        root=330,
        partials=_SAW,
        held=0.05,
    ),
    "hiphop": Genre(
        tempo=86,
        drums={"boom": "x.....x...x.....", "clap": "....x.......x...", "hat": "x.x.x.x.x.x.xxx."},
        bass="0.....0...0.....",
        chords="x...............",
        notes=(0, 3, 7),
        root=110,
        partials=(1.0, 0.2),
        held=0.3,
    ),
    "jazz": Genre(
        tempo=150,
        drums={"ride": "x...x..xx...x..x"},
        bass="0...4...7...a...",
        chords="......x......x..",
        notes=(0, 4, 7, 11, 14),
        root=294,
        partials=_PIANO,
        held=0.3,
    ),
    "metal": Genre(
        tempo=176,
        drums={"kick": "xxxxxxxxxxxxxxxx", "snare": "....x.......x...", "open": "x...x...x...x..."},
        bass="0000000000003322",
        chords="xxxxxxxxxxxxxxxx",
        notes=(0, 7),
        root=82,
        partials=_SAW,
        held=0.2,
        drive=12,
    ),
    "pop": Genre(
        tempo=116,
        drums={"kick": "x.....x.x.......", "clap": "....x.......x..."},
        bass="0.0.0.0.5.5.5.5.",
        chords="xxxxxxxxxxxxxxxx",
        notes=(12, 16, 19, 24),
        root=262,
        partials=_SQUARE,
        held=0.08,
        single=True,
    ),
    "reggae": Genre(
        tempo=72,
        drums={"kick": "........x.......", "rim": "........x......."},
        bass="0..0..4.....7...",
        chords="....x.......x...",
        notes=(0, 3, 7),
        root=440,
        partials=(1.0, 0.9),
        held=0.03,
    ),
    "rock": Genre(
        tempo=128,
        drums={"kick": "x.......x.x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
        bass="0.0.0.0.5.5.7.7.",
        chords="x.......x...x...",
        notes=(0, 7, 12),
        root=165,
        partials=_SAW,
        held=0.7,
        drive=3,
    ),
}
_BASS = 55.0  # Hz; every bass starts from here

_Drum = Callable[[np.random.Generator, str], Samples]


def music(name: str, rng: np.random.Generator, count: int) -> Samples:
    """`count` samples of a genre, in a key, a tempo and a mix of their own."""
    genre = GENRES[name]
    key = 2 ** (rng.integers(-2, 3) / 12)
    step = int(RATE * 15 / (genre.tempo * rng.uniform(0.96, 1.04)))
    mixed = 0.003 * rng.standard_normal(count)
    for drum, pattern in genre.drums.items():
        mixed += rng.uniform(0.6, 1) * _played(count, step, pattern, partial(_DRUMS[drum], rng))
    bass = _played(count, step, genre.bass, cache(partial(_bass, key, step)))
    struck = partial(_chord, genre, key, rng)
    chords = _played(count, step, genre.chords, struck if genre.single else cache(struck))
    return sounds.normalised(mixed + rng.uniform(0.5, 0.7) * bass + rng.uniform(0.4, 0.6) * chords)


def _played(count: int, step: int, pattern: str, sound: Callable[[str], Samples]) -> Samples:
    out = np.zeros(count)
    for number, first in enumerate(range(0, count, step)):
        mark = pattern[number % len(pattern)]
        if mark != ".":
            piece = sound(mark)[: count - first]
            out[first : first + len(piece)] += piece
    return out


def _bass(key: float, step: int, mark: str) -> Samples:
    length = int(2.5 * step)
    pitch = np.full(length, _BASS * key * 2 ** (int(mark, 16) / 12))
    return sounds.harmonics(pitch, (1, 0.6, 0.2)) * sounds.decay(length, 0.15)


def _chord(genre: Genre, key: float, rng: np.random.Generator, mark: str) -> Samples:
    notes = (genre.notes[int(rng.integers(len(genre.notes)))],) if genre.single else genre.notes
    length = int(min(1.0, 4 * genre.held) * RATE)
    shake = 1 + 0.006 * np.sin(2 * np.pi * 5 * sounds.seconds(length)) * (genre.held > 1)
    pitches = (genre.root * key * 2 ** (note / 12) * shake for note in notes)
    chord = sum((sounds.harmonics(pitch, genre.partials) for pitch in pitches), np.zeros(length))
    if genre.drive:
        chord = np.tanh(genre.drive * chord)
    soft = np.minimum(1, sounds.seconds(length) / 0.15) if genre.held > 1 else 1.0
    return sounds.normalised(chord * sounds.decay(length, genre.held) * soft)


def _hit(low: float, high: float, half: float) -> _Drum:
    def drum(rng: np.random.Generator, mark: str) -> Samples:
        length = int(min(0.4, 6 * half) * RATE)
        return sounds.noise(rng, length, low, high) * sounds.decay(length, half)

    return drum


def _skin(start: float, end: float, half: float) -> _Drum:
    def drum(rng: np.random.Generator, mark: str) -> Samples:
        length = int(4 * half * RATE)
        pitch = sounds.glide(length, start, end, end) * rng.uniform(0.97, 1.03)
        return sounds.harmonics(pitch, (1, 0.2)) * sounds.decay(length, half)

    return drum


_DRUMS = {
    "kick": _skin(120, 50, 0.05),
    "boom": _skin(90, 38, 0.2),
    "snare": _hit(300, 7000, 0.04),
    "clap": _hit(900, 3000, 0.05),
    "rim": _hit(1500, 2500, 0.01),
    "brush": _hit(2500, 9000, 0.06),
    "hat": _hit(7000, 14_000, 0.012),
    "open": _hit(6000, 13_000, 0.08),
    "ride": _hit(4500, 11_000, 0.05),
}
_FORMANTS = ((730, 1090), (270, 2290), (300, 870), (530, 1840), (570, 840))  # Hz: a, i, u, e, o


def speech(rng: np.random.Generator, count: int) -> Samples:
    """One speaker's syllables: a hiss, then a vowel that falls in pitch, then a short silence."""
    speaker = rng.uniform(95, 220)

    def syllable() -> Samples:
        hiss, voiced = int(rng.uniform(0.03, 0.07) * RATE), int(rng.uniform(0.09, 0.17) * RATE)
        low, high = _FORMANTS[int(rng.integers(len(_FORMANTS)))]
        pitch = sounds.glide(voiced, 1.1, 0.9) * speaker * rng.uniform(0.9, 1.15)
        near = (np.exp(-(((np.arange(1, 25) * speaker - f) / 180) ** 2)) for f in (low, high))
        weights = tuple(sum(near, 0.02 / np.arange(1, 25)))
        vowel = sounds.harmonics(pitch, weights) * sounds.arch(voiced) ** 0.5
        return np.concatenate([0.25 * sounds.noise(rng, hiss, 3000, 8000), vowel])

    said = sounds.repeated(rng, count, rng.uniform(0.24, 0.32), syllable, jitter=0.3)
    return sounds.normalised(said + 0.002 * rng.standard_normal(count))


def halved(samples: Samples) -> Samples:
    """The same sound at half the rate, without what lies above a quarter of the old one."""
    spectrum = np.fft.rfft(samples)
    half = len(samples) // 2
    return np.fft.irfft(spectrum[: half // 2 + 1], half) / 2
