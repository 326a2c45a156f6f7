"""Random windows of 7 s as training reads them, from our cache and from sound files.

Ours are batches out of the int16 cache as they go to the device, which makes floats of them. Theirs
are soundfile's: seek, then read, as the float32 that loaders hand on or, for comparison without a
target, as the file's own 16 bits. All have the same values.
"""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from contest import Contest, scaled
from pengi_model.waves import Waves
from trainable import RATE, noise, world

CLIPS = scaled(64, least=4)
SECONDS = 10  # as AudioSet's
WINDOW = 7 * RATE
BATCHES = scaled(8)  # a round reads so many
BATCH = 32
KINDS = ((".wav", "float32", 5.0), (".flac", "float32", 20.0), (".wav", "int16", None))


def from_files(folder: Path, suffix: str, places: NDArray[np.float64], kind: str) -> NDArray[Any]:
    """One window (WINDOW,) of a file for every place."""
    found = np.empty((len(places), WINDOW), kind)
    for row, place in enumerate(places):
        with soundfile.SoundFile(folder / f"{row % CLIPS}{suffix}") as file:
            file.seek(int(place * (file.frames - WINDOW)))
            found[row] = file.read(WINDOW, kind)
    return found


def benches() -> Iterator[Contest]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        spec = world(folder / "data", CLIPS, SECONDS)
        for number, wave in enumerate(noise(CLIPS, SECONDS)):
            for suffix in (".wav", ".flac"):
                soundfile.write(folder / f"{number}{suffix}", wave, RATE, "PCM_16")
        waves = Waves([Path(spec["waves"][0])])
        draws = np.random.default_rng(3).random((BATCHES, BATCH))
        which = np.arange(BATCH) % CLIPS

        def ours(places: NDArray[np.float64]) -> NDArray[np.int16]:
            return waves.windows(which, WINDOW, places)

        for suffix, kind, times in KINDS:
            theirs = partial(from_files, folder, suffix, kind=kind)
            unit = 1 if kind == "int16" else 32768
            np.testing.assert_array_equal(ours(draws[0]), theirs(draws[0]) * unit)
            yield Contest(
                f"{draws.size} random windows of 7 s against {suffix[1:].upper()} read as {kind}",
                ours=partial(every, draws, ours),
                theirs=partial(every, draws, theirs),
                how=f"theirs: soundfile opens, seeks and reads {suffix} files of {SECONDS} s",
                at_least=times,
            )


def every(draws: NDArray[np.float64], read: Callable[[NDArray[np.float64]], object]) -> None:
    """Read all batches, one after the other."""
    for places in draws:
        read(places)
