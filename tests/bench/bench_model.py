"""The log-mel against torchaudio's, and the training order against a stored permutation."""

from collections.abc import Iterator

import numpy as np
import torch
import torchaudio

from contest import Contest, scaled
from pengi_model import order
from pengi_model.config import PAPER
from pengi_model.mel import LogMel

BATCH = 384  # pairs, sec. 4.3


def benches() -> Iterator[Contest]:
    torch.set_num_threads(1)
    clips = scaled(4)
    waves = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (clips, 7 * 44_100))).float()
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
    yield Contest(
        f"log-mel of {clips} clips of 7 s",
        ours=lambda: ours(waves),
        theirs=lambda: decibel(mel(waves)),
        how="theirs: torchaudio's MelSpectrogram and AmplitudeToDB, one thread, equal to 0.01 dB",
        rounds=15,
    )

    pairs, places = scaled(1_000_000, BATCH), np.arange(BATCH)
    yield Contest(
        f"training order of one batch of {pairs} pairs",
        ours=lambda: order.positions(pairs, 0, 0, places),
        theirs=lambda: np.random.default_rng(0).permutation(pairs)[places],
        how="theirs: numpy's permutation of all pairs, of which a batch is taken",
        rounds=15,
    )
