"""NSynth in small: 16 kHz notes of five families, twelve pitches, five velocities, seven qualities.

Velocity is heard as level (7 dB a step, never normalised away) and as brightness; each quality is
an audible treatment of the note.
"""

import json
from functools import partial
from typing import NamedTuple

import numpy as np

from flows.mini import sounds
from flows.mini.pack import Tree
from flows.mini.sounds import Samples

_RATE = 16_000  # Hz, the publisher's
_LENGTH = 2.0  # seconds; the publisher's notes last 4
_HELD = 1.2  # seconds until the key is released
_PITCHES = range(40, 88, 4)  # MIDI, a major third apart
_VELOCITIES = (25, 50, 75, 100, 127)
_STEP = 7.0  # dB between two velocities
_HISS = 0.01  # of the tone: the instrument's own noise, so that it follows velocity
_TURNOVER = 700  # Hz; "bright" rises and "dark" falls 6 dB an octave above
_FAMILIES = {  # family -> its number in the vocabulary, and its partials
    "brass": (1, (0.5, 0.9, 1.0, 0.8, 0.6, 0.45, 0.35, 0.25)),
    "flute": (2, (1.0, 0.12, 0.04)),
    "mallet": (5, (1.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3)),
    "organ": (6, (1.0, 0.9, 0.0, 0.8, 0.0, 0.0, 0.0, 0.7)),
    "string": (8, tuple(1 / k**0.8 for k in range(1, 15))),
}
_BREATH = {  # Hz: the noise of blowing or bowing
    "brass": (600, 1200),
    "flute": (4000, 7000),
    "organ": (150, 350),
    "string": (2000, 3500),
}
_QUALITIES = (
    *("bright", "dark", "distortion", "fast_decay", "long_release", "multiphonic"),
    *("nonlinear_env", "percussive", "reverb", "tempo-synced"),
)
_TREATMENTS = (  # an instrument has one of these
    *((), (), (), ("dark",), ("bright",), ("reverb",), ("distortion",), ("fast_decay",)),
    *(("tempo-synced",), ("dark", "reverb"), ("bright", "distortion")),
)
_FIRST = {"train": 0, "valid": 40, "test": 60}  # instruments are never shared between splits


class _Note(NamedTuple):
    instrument: str
    family: str
    pitch: int
    velocity: int
    qualities: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.instrument}-{self.pitch:03d}-{self.velocity:03d}"


def tree() -> Tree:
    """The three .jsonwav archives."""
    return {f"nsynth-{split}.jsonwav.tar.gz": _split(split) for split in _FIRST}


def expected_clips() -> dict[str, int]:
    """Notes named by examples.json; one of train is missing, one broken."""
    return {"train": 302, "valid": 20, "test": 120}


def _split(split: str) -> Tree:
    notes = _notes(split)
    members: Tree = {f"nsynth-{split}/audio/{note.name}.wav": partial(_wav, note) for note in notes}
    if split == "train":
        broken, missing = (notes[i]._replace(instrument="flute_acoustic_999") for i in (0, 1))
        members[f"nsynth-{split}/audio/{broken.name}.wav"] = b"RIFF"
        members[f"nsynth-{split}/audio/flute_acoustic_998-060-100.wav"] = partial(_wav, notes[0])
        notes = [*notes, broken, missing]
    listing = json.dumps({note.name: _entry(i, note) for i, note in enumerate(notes)}, indent=1)
    return {f"nsynth-{split}/examples.json": listing.encode(), **members}


def _notes(split: str) -> list[_Note]:
    """Train has every family, pitch and velocity once; the others a random choice of them."""
    every = [(f, p, v) for f in _FAMILIES for p in _PITCHES for v in _VELOCITIES]
    rng = sounds.seeded("nsynth", split)
    count = {"train": len(every), "valid": 20, "test": 120}[split]
    notes: list[_Note] = []
    for family, pitch, velocity in (every[i] for i in sorted(rng.permutation(len(every))[:count])):
        kind = int(rng.integers(len(_TREATMENTS)))
        qualities = (*_TREATMENTS[kind], *(["percussive"] if family == "mallet" else []))
        source = "synthetic" if _TREATMENTS[kind] else "acoustic"
        instrument = f"{family}_{source}_{_FIRST[split] + kind:03d}"
        notes.append(_Note(instrument, family, pitch, velocity, tuple(sorted(qualities))))
    return notes


def _entry(number: int, note: _Note) -> dict[str, object]:
    source = note.instrument.split("_")[1]
    return {
        "note": number,
        "note_str": note.name,
        "instrument": sum(note.instrument.encode()),
        "instrument_str": note.instrument,
        "pitch": note.pitch,
        "velocity": note.velocity,
        "sample_rate": _RATE,
        "qualities": [int(quality in note.qualities) for quality in _QUALITIES],
        "qualities_str": list(note.qualities),
        "instrument_family": _FAMILIES[note.family][0],
        "instrument_family_str": note.family,
        "instrument_source": ("acoustic", "electronic", "synthetic").index(source),
        "instrument_source_str": source,
    }


def _wav(note: _Note) -> bytes:
    rng = sounds.seeded("note", note.name)
    tone = _treated(_tone(note, rng) * _envelope(note), note, rng)
    level = _STEP * (_VELOCITIES.index(note.velocity) - len(_VELOCITIES) + 1) - 1  # dBFS
    return sounds.wav(sounds.normalised(tone) * 10 ** (level / 20), _RATE)


def _tone(note: _Note, rng: np.random.Generator) -> Samples:
    """Partials below half the rate; a harder touch gives the high ones more weight."""
    time = sounds.seconds(int(_LENGTH * _RATE), _RATE)
    pitch = 440 * 2 ** ((note.pitch - 69 + rng.uniform(-0.05, 0.05)) / 12)
    tilt = 0.8 + 0.2 * note.velocity / 127
    weights = tuple(
        weight * tilt**k if (k + 1) * pitch < 0.45 * _RATE else 0.0
        for k, weight in enumerate(_FAMILIES[note.family][1])
    )
    shake = 0.02 * np.sin(2 * np.pi * 5.5 * time) if note.family == "string" else 0 * time
    tone = sounds.harmonics(pitch * (1 + shake), weights, _RATE)
    if band := _BREATH.get(note.family):
        tone += 0.15 * sounds.noise(rng, len(time), *band, _RATE)
    if note.family == "organ":
        tone *= 1 + 0.5 * np.sin(2 * np.pi * 7 * time)
    return tone


def _envelope(note: _Note) -> Samples:
    time = sounds.seconds(int(_LENGTH * _RATE), _RATE)
    attack = {"brass": 0.08, "flute": 0.12, "string": 0.25}.get(note.family, 0.005)
    held = np.minimum(1, time / attack) * np.clip(1 - (time - _HELD) / 0.05, 0, 1)
    if note.family == "mallet":
        held = held * sounds.decay(len(time), 0.15, _RATE)
    if "fast_decay" in note.qualities:
        held = held * sounds.decay(len(time), 0.06, _RATE)
    return held


def _treated(tone: Samples, note: _Note, rng: np.random.Generator) -> Samples:
    if "distortion" in note.qualities:
        tone = np.tanh(4 * tone)
    tone = tone + _HISS * rng.standard_normal(len(tone))
    if "tempo-synced" in note.qualities:
        beat = np.sin(2 * np.pi * 4 * sounds.seconds(len(tone), _RATE)) > 0
        tone = tone * np.where(beat, 1.0, 0.1)
    if "reverb" in note.qualities:
        room = rng.standard_normal(_RATE) * sounds.decay(_RATE, 0.12, _RATE)
        length = len(tone) + len(room)
        wet = np.fft.irfft(np.fft.rfft(tone, length) * np.fft.rfft(room, length), length)
        tone = tone + 0.7 * sounds.normalised(wet[: len(tone)])
    if slope := ("bright" in note.qualities) - ("dark" in note.qualities):
        above = np.fft.rfftfreq(len(tone), 1 / _RATE) / _TURNOVER
        tone = np.fft.irfft(np.fft.rfft(tone) * (1 + above**2) ** (slope / 2), len(tone))
    return tone
