"""How alike two decodings of one file are, where the file has a band to be compared in."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

BAND = 0.8  # of the source's Nyquist frequency; above it every resampler has its own slope


@dataclass(frozen=True)
class Likeness:
    """Ours over theirs: gain, correlation, and by how many samples ours is late."""

    gain: float
    correlation: float
    late: int


def system_ffmpeg() -> str:
    """The referee: Debian's ffmpeg, or a skip."""
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("needs the ffmpeg program as a referee (apt-get install ffmpeg)")
    return program


def by_ffmpeg(path: Path, program: str | None = None, floats: bool = False) -> NDArray[np.int16]:
    """int16 mono 44.1 kHz as the ffmpeg program decodes, mixes and resamples it.

    `floats` makes it reckon in floats; else it does so in 16 bits for files of 8 or 16 bits.
    """
    options = ["-map", "0:a:0", "-ac", "1", "-ar", "44100", "-f", "s16le", "-"]
    options = [*(["-af", "aformat=flt"] if floats else []), *options]
    command = [program or imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    made = subprocess.run([*command, *options], capture_output=True)
    return np.frombuffer(made.stdout[: len(made.stdout) // 2 * 2], "<i2")


def likeness(ours: NDArray[np.int16], theirs: NDArray[np.int16], rate: int) -> Likeness:
    """Of two decodings, neither of them silent, of a file of `rate` Hz."""
    one, other = ours.astype(float), theirs.astype(float)
    size = 1 << (len(one) + len(other)).bit_length()
    both = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size).conj())
    late = int(np.argmax(both))
    late -= size if late > size // 2 else 0
    one, other = one[max(0, late) :], other[max(0, -late) :]
    length = min(len(one), len(other))
    top = round(BAND * min(rate, 44_100) / 44_100 * length / 2)
    low, low_other = np.fft.rfft(one[:length])[:top], np.fft.rfft(other[:length])[:top]
    shared = float((low * low_other.conj()).real.sum())
    power, other_power = (float((abs(x) ** 2).sum()) for x in (low, low_other))
    return Likeness(shared / other_power, shared / np.sqrt(power * other_power), late)
