"""Twelve kinds of sound files that the datasets ship, synthesised: what normalising has to face.

Pink noise with a harmonic tone on it, encoded by libsndfile and PyAV; the same seed, the same file.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # (n, channels)


@dataclass(frozen=True)
class Kind:
    """Files of one kind: `suffix`, Hz, channels, and from `least` to `most` seconds long."""

    suffix: str
    rate: int
    channels: int
    least: float
    most: float
    encode: Callable[[Samples, int], bytes]

    def file(self, seed: int) -> bytes:
        """One file of this kind; its length lies between the two at a place the seed says."""
        rng = np.random.default_rng(seed)
        seconds = rng.uniform(self.least, self.most)
        return self.encode(music(rng, round(seconds * self.rate), self), self.rate)


def music(rng: np.random.Generator, count: int, kind: Kind) -> Samples:
    """(count, channels): pink noise and a tone with eight partials, different on every channel."""
    frequency = np.fft.rfftfreq(count, 1 / kind.rate)
    fall = 1 / np.sqrt(np.maximum(frequency, 20))
    sides: list[NDArray[np.float64]] = []
    for _ in range(kind.channels):
        noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * fall, count)
        turn = np.cumsum(np.full(count, 2 * np.pi * rng.uniform(110, 440) / kind.rate))
        tone = sum((np.sin(n * turn) / n for n in range(1, 9)), np.zeros(count))
        sides.append(0.2 * noise / np.abs(noise).max() + 0.15 * tone)
    return np.stack(sides, axis=1).astype(np.float32)


def by_soundfile(format: str, subtype: str) -> Callable[[Samples, int], bytes]:
    """An encoder of libsndfile."""

    def encode(samples: Samples, rate: int) -> bytes:
        file = io.BytesIO()
        soundfile.write(file, samples, rate, format=format, subtype=subtype)
        return file.getvalue()

    return encode


def by_pyav(container: str, codec: str, bit_rate: int) -> Callable[[Samples, int], bytes]:
    """An encoder of PyAV, bits per second."""

    def encode(samples: Samples, rate: int) -> bytes:
        file = io.BytesIO()
        layout = "mono" if samples.shape[1] == 1 else "stereo"
        with av.open(file, "w", format=container) as out:
            stream: Any = out.add_stream(codec, rate=rate, layout=layout)
            stream.bit_rate = bit_rate
            frame: Any = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples.reshape(1, -1)), format="flt", layout=layout
            )
            frame.sample_rate = rate
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        return file.getvalue()

    return encode


WAV = by_soundfile("WAV", "PCM_16")
FLAC = by_soundfile("FLAC", "PCM_16")
KINDS = {
    "youtube m4a 48 kHz stereo": Kind(".m4a", 48_000, 2, 10, 10, by_pyav("ipod", "aac", 128_000)),
    "youtube opus 48 kHz stereo": Kind(
        ".webm", 48_000, 2, 10, 10, by_pyav("webm", "libopus", 128_000)
    ),
    "fma mp3 44.1 kHz stereo": Kind(
        ".mp3", 44_100, 2, 30, 30, by_pyav("mp3", "libmp3lame", 256_000)
    ),
    "nsynth wav 16 kHz": Kind(".wav", 16_000, 1, 4, 4, WAV),
    "iemocap wav 16 kHz": Kind(".wav", 16_000, 1, 2, 9, WAV),
    "clotho wav 44.1 kHz": Kind(".wav", 44_100, 1, 15, 30, WAV),
    "fsd50k wav 44.1 kHz": Kind(".wav", 44_100, 1, 1, 20, WAV),
    "clotho flac 44.1 kHz stereo": Kind(".flac", 44_100, 2, 15, 30, FLAC),
    "wavcaps flac 32 kHz": Kind(".flac", 32_000, 1, 10, 30, FLAC),
    "gtzan au 22.05 kHz": Kind(".au", 22_050, 1, 30, 30, by_soundfile("AU", "PCM_16")),
    "tau wav 48 kHz stereo 24 bit": Kind(".wav", 48_000, 2, 10, 10, by_soundfile("WAV", "PCM_24")),
    "esc10 ogg 44.1 kHz": Kind(".ogg", 44_100, 1, 5, 5, by_soundfile("OGG", "VORBIS")),
}
