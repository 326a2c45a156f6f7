"""Beijing Opera percussion in small: single strokes of four instruments, eleven each.

A clapper-drum clicks, cymbals hiss, the pitch of a large gong falls and that of a small one rises.
"""

from functools import partial

import numpy as np

from flows.mini import sounds
from flows.mini.pack import Tree
from flows.mini.sounds import RATE, Samples, Sound

_COUNT = 11  # strokes of an instrument
_FIRST = 205_960  # Freesound ids of the publisher's clips are near
_RATIOS = (1.0, 1.47, 2.09, 2.56, 3.2)  # of a gong's partials


def tree() -> Tree:
    """One zip; the last clip is too short for one analysis window."""
    folder = "beijing_opera_percussion_instrument_1.0"
    members: Tree = {}
    for place, name in enumerate(STROKES):
        for number in range(_COUNT):
            sound = _FIRST + _COUNT * place + number
            file = f"{folder}/{sound}__ajaysm__{name}-{number + 1:02d}.wav"
            members[file] = partial(_wav, name, number)
    last = _FIRST + _COUNT * len(STROKES)
    stroke = bangu(sounds.seeded("short"), RATE // 50)
    members[f"{folder}/{last}__ajaysm__bangu-12.wav"] = sounds.wav(stroke)
    return {f"{folder}.zip": members}


def expected_clips() -> dict[str, int]:
    """Files; one is too short to be used."""
    return {"all": _COUNT * len(STROKES) + 1}


def _wav(name: str, number: int) -> bytes:
    rng = sounds.seeded("beijing_opera", name, number)
    count = int((0.25 if number == 0 else rng.uniform(0.6, 2.0)) * RATE)
    stroke = STROKES[name](rng, count) + 0.002 * rng.standard_normal(count)
    return sounds.wav(sounds.normalised(stroke) * 10 ** (rng.uniform(-6, -1) / 20))


def bangu(rng: np.random.Generator, count: int) -> Samples:
    """A clapper-drum: a dry click around 1 kHz, once or several times."""
    height = rng.uniform(900, 1300)

    def click() -> Samples:
        length = int(0.05 * RATE)
        ring = sounds.harmonics(np.full(length, height), (1, 0, 0.4))
        return (ring + 0.6 * sounds.noise(rng, length, 800, 5000)) * sounds.decay(length, 0.006)

    return sounds.repeated(rng, count, rng.uniform(0.12, 0.3), click)


def naobo(rng: np.random.Generator, count: int) -> Samples:
    """Cymbals: metal noise that fades slowly."""
    crash = sounds.noise(rng, count, 3500, 14_000) * sounds.decay(count, rng.uniform(0.25, 0.4))
    return crash + 0.3 * sounds.noise(rng, count, 900, 3000) * sounds.decay(count, 0.08)


def _gong(start: float, end: float, half: float, rng: np.random.Generator, count: int) -> Samples:
    """Partials that are no harmonics; the pitch goes from `start` to `end` (Hz) in 0.5 s."""
    pitch = np.interp(sounds.seconds(count), (0, 0.5), (start, end)) * rng.uniform(0.95, 1.05)
    ring = sum(
        (sounds.harmonics(pitch * ratio, (1,)) * 0.7**k * sounds.decay(count, half * 0.8**k)
         for k, ratio in enumerate(_RATIOS)),
        np.zeros(count),
    )  # fmt: skip
    return ring + 0.3 * sounds.noise(rng, count, 2 * start, 6 * start) * sounds.decay(count, 0.02)


STROKES: dict[str, Sound] = {
    "bangu": bangu,
    "daluo": partial(_gong, 420, 300, 0.6),
    "naobo": naobo,
    "xiaoluo": partial(_gong, 720, 1000, 0.25),
}
