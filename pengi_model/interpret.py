"""What an audio prefix says in words (App. B): the nearest tokens of the language model."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from pengi_model.text import required


@dataclass(frozen=True)
class Interpretation:
    """Of every prefix vector the token whose embedding has the largest cosine."""

    ids: torch.Tensor  # (clips, prefix)
    similarities: torch.Tensor  # (clips, prefix), cosines
    tokens: list[list[str]]


def interpret(
    prefix: torch.Tensor, embeddings: torch.Tensor, tokenizer: PreTrainedTokenizerBase | None
) -> Interpretation:
    """prefix (clips, length, width) among token embeddings (vocabulary, width)."""
    read = required(tokenizer, "language model")
    table = F.normalize(embeddings.float(), dim=-1)
    best = [(F.normalize(clip.float(), dim=-1) @ table.T).max(-1) for clip in prefix]
    ids = torch.stack([found.indices for found in best])
    tokens = [[read.decode([token]) for token in row] for row in ids.tolist()]
    return Interpretation(ids, torch.stack([found.values for found in best]), tokens)
