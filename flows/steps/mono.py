"""Blocks of samples as a decoder gives them, gathered as int16 mono at 44.1 kHz (sec. 4.3)."""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

SAMPLE_RATE = 44_100  # Hz, sec. 4.3
DOWNMIX = "mean"
LEAST = 1024  # samples: one analysis window, sec. 4.3
LONGEST = 3600  # s
_RATES = range(1_000, 1_000_000)  # Hz
_MOST_CHANNELS = 64
_FULL_SCALE = 32_768.0


class DecodeError(Exception):
    """A file that gives no usable sound. `code` is the same for every file with the same fault."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


class Mono:
    """Takes blocks (channels, n) at `rate`; int16 blocks of one channel at 44.1 kHz stay as is.

    The mean of the channels, soxr HQ, then rounding half to even; only int16 is kept in memory.
    """

    def __init__(self, rate: int, channels: int) -> None:
        if rate not in _RATES or not 0 < channels <= _MOST_CHANNELS:
            raise DecodeError("bad_format", f"{rate} Hz, {channels} channels")
        self.rate, self.taken = rate, 0
        self._kept = bytearray()
        self._stream = None
        if rate != SAMPLE_RATE:
            self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, "float32", quality="HQ")

    def add(self, block: NDArray[Any]) -> None:
        """One more block: int16 of full scale 32768, or float32 of full scale 1."""
        self.taken += block.shape[1]
        if self.taken > LONGEST * self.rate:
            raise DecodeError("too_long", f"longer than {LONGEST} s")
        if block.dtype == np.int16 and len(block) == 1 and self._stream is None:
            self._keep(block[0])
        else:
            self._add(_mean(block))

    def samples(self) -> NDArray[np.int16]:
        """(n,) int16 of all blocks; `DecodeError` when that is too little to be used."""
        if self._stream is not None:
            self._keep(_rounded(self._stream.resample_chunk(np.zeros(0, np.float32), last=True)))
        found = np.frombuffer(self._kept, np.int16)
        if found.size < LEAST:
            raise DecodeError(
                "too_short", f"{found.size} samples at 44.1 kHz, expected {LEAST} or more"
            )
        return found

    def _add(self, mono: NDArray[np.float32]) -> None:
        if not (np.isfinite(mono.min()) and np.isfinite(mono.max())):
            raise DecodeError("non_finite", "samples that are not numbers")
        if self._stream is not None:
            mono = self._stream.resample_chunk(mono)
        self._keep(_rounded(mono))

    def _keep(self, samples: NDArray[np.int16]) -> None:
        self._kept += samples.tobytes()


def _mean(channels: NDArray[Any]) -> NDArray[np.float32]:
    if len(channels) == 1:
        return np.ascontiguousarray(channels[0], np.float32)
    total = channels[0] + channels[1]  # column by column: many times faster than mean(axis=1)
    for channel in channels[2:]:
        total += channel
    total /= np.float32(len(channels))
    return total


def _rounded(mono: NDArray[np.float32]) -> NDArray[np.int16]:
    scaled = mono * np.float32(_FULL_SCALE)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1, out=scaled)
    return scaled.astype(np.int16)
