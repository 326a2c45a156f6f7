"""Texts as tokens, made once: a batch is then two gathers and no tokenizer."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pengi_model.text import Ids

_BLOCK = 8192  # texts at a time through the tokenizer


class TokenTable:
    """Token ids of texts, padded only when a batch is taken."""

    def __init__(
        self, texts: Sequence[str], encode: Callable[[Sequence[str]], Ids], pad: int
    ) -> None:
        self.pad = pad
        ids: list[NDArray[np.int32]] = []
        lengths: list[NDArray[np.int64]] = []
        for first in range(0, len(texts), _BLOCK):
            found, mask = (part.cpu() for part in encode(texts[first : first + _BLOCK]))
            ids.append(found[mask.bool()].int().numpy())
            lengths.append(mask.sum(1).numpy())
        self._ids = np.concatenate([*ids, np.zeros(1, np.int32)])
        self.lengths = np.concatenate(lengths)
        self._starts = np.cumsum(self.lengths) - self.lengths

    def batch(self, which: NDArray[np.int64], width: int = 0) -> Ids:
        """Ids and mask (texts, longest) of the texts `which`; at least `width` wide."""
        lengths = self.lengths[which, None]
        place = np.arange(max(width, int(lengths.max(initial=0))))
        inside = place < lengths
        at = np.where(inside, self._starts[which, None] + place, -1)
        ids = np.where(inside, self._ids[at].astype(np.int64), self.pad)
        return torch.from_numpy(ids), torch.from_numpy(inside.astype(np.int64))
