"""A Pengi of random weights for benches: of the paper's size, or tiny at a small scale."""

import math

import torch

from contest import SCALE
from pengi_model import Pengi
from pengi_model.config import PAPER, TINY, ModelConfig
from pengi_model.tokens import train_tokenizer

CONFIG: ModelConfig = PAPER if SCALE >= 0.5 else TINY
SIZE = "paper size" if CONFIG is PAPER else "tiny"


def seeded_model(texts: list[str]) -> Pengi:
    """In eval mode, with a tokenizer of `texts`; it speaks nonsense, but not always the same."""
    torch.manual_seed(0)
    model = Pengi(CONFIG, train_tokenizer(texts, 600)).eval()
    for weight in model.language_model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=1.5 / math.sqrt(weight.shape[0]))
    torch.nn.init.normal_(model.language_model.transformer.wte.weight, std=0.2)
    return model


def noise(clips: int) -> torch.Tensor:
    """Waves (clips, samples) of one window each."""
    draw = torch.Generator().manual_seed(1)
    return 0.1 * torch.randn(clips, CONFIG.samples, generator=draw)
