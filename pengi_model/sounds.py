"""The sounds of training batches: whole log-mels kept where they fit in memory, else waves."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pengi_model.mel import LogMel
from pengi_model.waves import Waves

Count = Callable[[int, int], None]  # done, total


class Sounds:
    """Windows of `samples` samples of the clips of `waves`.

    `kept`: hold every clip's whole log-mel (float32) in memory; a crop is then a slice of frames.
    """

    def __init__(
        self, waves: Waves, log_mel: LogMel, samples: int, kept: bool, count: Count
    ) -> None:
        self.waves, self.log_mel, self.samples = waves, log_mel, samples
        self.frames = samples // log_mel.config.hop + 1
        self._kept: Tensor | None = None
        if kept:
            mels: list[Tensor] = []
            for clip in range(len(self)):
                mels.append(self._decibel(clip))
                count(clip + 1, len(self))
            self._lengths = np.array([len(mel) for mel in mels])
            self._starts = np.cumsum(self._lengths) - self._lengths
            self._kept = torch.cat(mels)

    def __len__(self) -> int:
        return len(self.waves.lengths)

    @torch.no_grad()
    def _decibel(self, clip: int) -> Tensor:
        """(frames, bands) of a whole clip, tiled up to one window."""
        wave = self.waves.wave(clip)
        if len(wave) < self.samples:
            wave = np.resize(wave, self.samples)
        return self.log_mel.decibel(_floats(torch.from_numpy(np.array(wave)))[None])[0]

    @torch.no_grad()
    def standardise(self) -> None:
        """Set the log-mel's mean and standard deviation to those of these clips."""
        total, square, count = 0.0, 0.0, 0
        parts = (self._decibel(clip) for clip in range(len(self))) if self._kept is None else None
        for mel in parts or self._kept.split(4096):  # type: ignore[union-attr]
            exact = mel.double()
            total += exact.sum().item()
            square += exact.square().sum().item()
            count += exact.numel()
        mean = total / count
        self.log_mel.mean.fill_(mean)
        self.log_mel.std.fill_((square / count - mean**2) ** 0.5)

    def read(self, clips: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Frames (clips, frames, bands) in dB if kept, else int16 (clips, samples).

        `draws` in [0, 1) place the windows; None: in the middle.
        """
        places = np.full(len(clips), 0.5) if draws is None else draws
        if self._kept is None:
            return torch.from_numpy(self.waves.windows(clips, self.samples, places))
        starts = (places * (self._lengths[clips] - self.frames + 1)).astype(np.int64)
        at = (self._starts[clips] + starts)[:, None] + np.arange(self.frames)
        return self._kept[torch.from_numpy(at)]

    @torch.no_grad()
    def mels(self, read: Tensor) -> Tensor:
        """What `read` gave -> standardised log-mels (clips, 1, frames, bands) on the device."""
        read = read.to(self.log_mel.matrix.device, non_blocking=True)
        if read.dtype == torch.int16:
            return self.log_mel(_floats(read))
        return ((read - self.log_mel.mean) / self.log_mel.std)[:, None]


def _floats(samples: Tensor) -> Tensor:
    """int16 -> values in [-1, 1)."""
    return samples.float().mul_(1 / 32768)
