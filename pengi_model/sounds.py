"""Log-mels of training batches: computed once per clip where they fit in memory, else per batch."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pengi_model.mel import LogMel
from pengi_model.reads import Reads

Count = Callable[[int, int], None]  # done, total


class Sounds:
    """The log-mels of the pairs' clips, cut to one window.

    `kept`: hold every clip's whole log-mel (float32) in memory; a crop is then a slice of frames.
    """

    def __init__(
        self, reads: Reads, log_mel: LogMel, samples: int, kept: bool, count: Count
    ) -> None:
        self.reads, self.log_mel, self.samples = reads, log_mel, samples
        self.frames = samples // log_mel.config.hop + 1
        self.clips = list(dict.fromkeys(reads.clip_ids))
        places = {clip: place for place, clip in enumerate(self.clips)}
        self.clip_of = np.array([places[clip] for clip in reads.clip_ids])  # position -> clip
        self._kept: list[Tensor] = []
        for place, clip in enumerate(self.clips if kept else ()):
            self._kept.append(self._decibel(clip))
            count(place + 1, len(self.clips))

    @torch.no_grad()
    def _decibel(self, clip: str) -> Tensor:
        length = max(self.samples, self.reads.waves.length(clip))
        wave = torch.from_numpy(self.reads.waves.window(clip, length))
        return self.log_mel.decibel(wave[None])[0]  # (frames, bands)

    @torch.no_grad()
    def standardise(self) -> None:
        """Set the log-mel's mean and standard deviation to those of these clips."""
        total, square, count = 0.0, 0.0, 0
        for place, clip in enumerate(self.clips):
            mel = (self._kept[place] if self._kept else self._decibel(clip)).double()
            total += mel.sum().item()
            square += mel.square().sum().item()
            count += mel.numel()
        mean = total / count
        self.log_mel.mean.fill_(mean)
        self.log_mel.std.fill_((square / count - mean**2) ** 0.5)

    @torch.no_grad()
    def mels(self, clips: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Standardised log-mels (clips, 1, frames, bands); `draws` in [0, 1) place the windows."""
        places = np.full(len(clips), 0.5) if draws is None else draws
        if not self._kept:
            names = [self.clips[clip] for clip in clips]
            pairs = zip(names, places, strict=True)
            waves = np.stack(
                [self.reads.waves.window(name, self.samples, at) for name, at in pairs]
            )
            return self.log_mel(torch.from_numpy(waves))
        cut = []
        for clip, draw in zip(clips, places, strict=True):
            mel = self._kept[clip]
            start = int(draw * (len(mel) - self.frames + 1))
            cut.append(mel[start : start + self.frames])
        return ((torch.stack(cut) - self.log_mel.mean) / self.log_mel.std)[:, None]
