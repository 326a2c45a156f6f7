"""Augmentation of log-mels (dB) in training: roll, gain, tilt, noise and SpecAugment masks."""

import torch
from torch import Tensor

from pengi_model.settings import Augment


def augmented(mel: Tensor, how: Augment, std: float, draw: torch.Generator) -> Tensor:
    """A changed copy of normalised log-mels (batch, 1, frames, mels); `std` is one unit in dB.

    The draws are a CPU's, the same for every device.
    """
    batch, _, frames, mels = mel.shape
    device = mel.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=draw)

    if how.roll:
        shift = (uniform(batch) * frames).long()
        places = ((torch.arange(frames)[None] + shift[:, None]) % frames).to(device)
        mel = mel.gather(2, places[:, None, :, None].expand_as(mel))
    gain = (2 * uniform(batch, 1, 1, 1) - 1) * how.gain
    slope = torch.linspace(-0.5, 0.5, mels) * (2 * uniform(batch, 1, 1, 1) - 1) * how.tilt
    spread = uniform(batch, 1, 1, 1) * how.noise
    noise = torch.randn(mel.shape, generator=draw) * spread if how.noise else 0.0
    mel = mel + ((gain + slope + noise) / std).to(device)
    for _ in range(how.masks):
        in_time = _stripe(batch, frames, how.time_mask, draw).to(device)
        in_band = _stripe(batch, mels, how.mel_mask, draw).to(device)
        mel = mel.masked_fill(in_time[:, None, :, None] | in_band[:, None, None, :], 0.0)
    return mel


def _stripe(batch: int, size: int, share: float, draw: torch.Generator) -> Tensor:
    """One random stripe a sample (batch, size), at most `share` of the size wide."""
    width = torch.rand(batch, 1, generator=draw) * share * size
    start = torch.rand(batch, 1, generator=draw) * (size - width)
    places = torch.arange(size)[None]
    return (places >= start.floor()) & (places < (start + width).floor())
