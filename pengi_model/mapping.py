"""Mapping networks m1 and m2 (sec. 3.2; microsoft/Pengi:models/decoder.py)."""

import torch
from torch import nn
from torch.nn import functional as F

from pengi_model.config import MappingConfig


class Attention(nn.Module):
    """Self-attention without mask; queries, keys and values without bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_queries = nn.Linear(width, width, bias=False)
        self.to_keys_values = nn.Linear(width, 2 * width, bias=False)
        self.project = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        keys, values = self.to_keys_values(x).chunk(2, dim=-1)
        split = [
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (batch, heads, length, width)
            for part in (self.to_queries(x), keys, values)
        ]
        mixed = F.scaled_dot_product_attention(*split)
        return self.project(mixed.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two layers of ratio 2 with ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 2 * width)
        self.fc2 = nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.relu(self.fc1(x)))


class Layer(nn.Module):
    """A pre-norm transformer layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    """The stack; no final norm."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class MappingNetwork(nn.Module):
    """(batch, source) or, with `source=None`, (batch, length, width) -> (batch, prefix, width).

    The embedding is unfolded into `projected` vectors by a linear layer; a sequence is taken as it
    is. The learned constants follow, and their places after the transformer are the prefix.
    """

    def __init__(self, config: MappingConfig, source: int | None, width: int) -> None:
        super().__init__()
        self.width = width
        self.linear = nn.Linear(source, config.projected * width) if source else None
        self.prefix_const = nn.Parameter(torch.randn(config.prefix, width))
        self.transformer = Transformer(width, config.heads, config.layers)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        if self.linear is not None:
            embedding = self.linear(embedding).unflatten(-1, (-1, self.width))
        constants = self.prefix_const.to(embedding.dtype).expand(len(embedding), -1, -1)
        sequence = torch.cat((embedding, constants), dim=1)
        return self.transformer(sequence)[:, embedding.shape[1] :]
