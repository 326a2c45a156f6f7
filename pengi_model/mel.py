"""The released log-mel (microsoft/Pengi:models/htsat.py): STFT power, Slaney mel, decibel."""

import torch
from torch import nn
from transformers.audio_utils import mel_filter_bank

from pengi_model.config import MelConfig


class LogMel(nn.Module):
    """(batch, samples) -> (batch, 1, frames, bands) in dB, standardised by `mean` and `std`.

    `mean` and `std` are one number each, measured on training clips; 0 and 1 (PAPER) change
    nothing. The mel matrix is part of the state dict: a released checkpoint brings its own.
    """

    window: torch.Tensor
    matrix: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        self.config = config
        matrix = mel_filter_bank(
            num_frequency_bins=config.n_fft // 2 + 1,
            num_mel_filters=config.bands,
            min_frequency=config.fmin,
            max_frequency=config.fmax,
            sampling_rate=config.matrix_rate,
            norm="slaney",
            mel_scale="slaney",
        )
        window = torch.hann_window(config.n_fft, dtype=torch.float64).float()
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("matrix", torch.from_numpy(matrix).float())
        self.register_buffer("mean", torch.tensor(0.0))
        self.register_buffer("std", torch.tensor(1.0))

    def power(self, waves: torch.Tensor) -> torch.Tensor:
        """(batch, samples) -> power spectrogram (batch, frames, n_fft / 2 + 1)."""
        spectrum = torch.stft(
            waves,
            self.config.n_fft,
            self.config.hop,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        return torch.view_as_real(spectrum).square().sum(-1).transpose(1, 2)

    def decibel(self, waves: torch.Tensor) -> torch.Tensor:
        """(batch, samples) -> (batch, frames, bands) in dB, never below -100 and `floor_db`."""
        mel = self.power(waves) @ self.matrix
        return (10 * torch.log10(mel.clamp(min=1e-10))).clamp(min=self.config.floor_db)

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        with torch.autocast(waves.device.type, enabled=False):
            decibel = self.decibel(waves.to(self.window.dtype))
            return ((decibel - self.mean) / self.std)[:, None]
