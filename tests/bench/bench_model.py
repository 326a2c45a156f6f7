"""The log-mel against torchaudio's, and the training order against a stored permutation."""

from collections.abc import Iterator

import numpy as np
import torch
import torchaudio

from pengi_model import order
from pengi_model.config import PAPER
from pengi_model.mel import LogMel

PAIRS = 1_000_000
BATCH = 384  # pairs, sec. 4.3


def cases() -> Iterator[tuple[str, object, object]]:
    torch.set_num_threads(1)
    waves = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (4, 7 * 44_100))).float()
    ours = LogMel(PAPER.mel)
    mel = torchaudio.transforms.MelSpectrogram(
        sample_rate=PAPER.mel.matrix_rate,
        n_fft=PAPER.mel.n_fft,
        hop_length=PAPER.mel.hop,
        f_min=PAPER.mel.fmin,
        f_max=PAPER.mel.fmax,
        n_mels=PAPER.mel.bands,
        norm="slaney",
        mel_scale="slaney",
    )
    decibel = torchaudio.transforms.AmplitudeToDB("power")
    assert torch.allclose(ours(waves)[:, 0].mT, decibel(mel(waves)), atol=1e-2)
    yield "log-mel / torchaudio", lambda: ours(waves), lambda: decibel(mel(waves))

    places = np.arange(BATCH)
    yield (
        "order of one batch / permutation of one million pairs",
        lambda: order.positions(PAIRS, 0, 0, places),
        lambda: np.random.default_rng(0).permutation(PAIRS)[places],
    )
