"""Prompts of a training, read once: what the frozen text tower makes of each distinct one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pengi_model.model import Pengi

_BLOCK = 64  # prompts at a time


class Prompts(nn.Module):
    """Numbers of prompts (batch,) -> text vectors, as `Pengi.text_vector` gives them.

    With a text encoder the frozen tower's states are kept, and what follows them is computed anew
    only where it is trained. Without one the token ids are kept and embedded by the language model.
    """

    kept: Tensor

    def __init__(self, model: Pengi, prompts: Sequence[str], trained: bool) -> None:
        super().__init__()
        self.model, self.trained = [model], trained  # in a list: no second parent of its weights
        ids, mask = (
            torch.cat(part)
            for part in zip(
                *(
                    model.prompt_ids(prompts[first : first + _BLOCK])
                    for first in range(0, len(prompts), _BLOCK)
                ),
                strict=True,
            )
        )
        self.register_buffer("kept", self._read(ids, mask), persistent=False)

    @torch.no_grad()
    def _read(self, ids: Tensor, mask: Tensor) -> Tensor:
        encoder = self.model[0].text_encoder
        if encoder is None:
            return ids  # the padding is read too
        longest = int(mask.sum(1).max())
        parts = zip(ids[:, :longest].split(_BLOCK), mask[:, :longest].split(_BLOCK), strict=True)
        states = torch.cat([encoder.state(*part) for part in parts])
        return states if self.trained else encoder.head(states)

    def forward(self, which: Tensor) -> Tensor:
        model, kept = self.model[0], self.kept[which]
        if model.text_encoder is None:
            return model.language_model.transformer.wte(kept)
        return model.text_encoder.head(kept) if self.trained else kept
