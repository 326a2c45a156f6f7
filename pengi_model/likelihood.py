"""Log-likelihood of given texts after a prefix: closed-set answers without generation."""

import copy

import torch
from torch.nn import functional as F
from transformers import DynamicCache, GPT2LMHeadModel

_ROWS = 256  # (clip, candidate) rows per forward pass, for memory


@torch.inference_mode()
def after(
    model: GPT2LMHeadModel, prefix: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Mean log-probability per token, (clips, candidates), in float32.

    prefix: (clips, length, width); ids and mask: (candidates, tokens), every candidate with at
    least one token. The prefix is read once per clip and shared by its candidates.
    """
    clips_at_once = max(1, _ROWS // len(ids))
    parts = [_scores(model, part, ids, mask) for part in prefix.split(clips_at_once)]
    return torch.cat(parts)


def _scores(
    model: GPT2LMHeadModel, prefix: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """`after` for as many clips as fit at once."""
    output = model(inputs_embeds=prefix, use_cache=True, logits_to_keep=1)
    columns = [
        _chunk(model, output.past_key_values, output.logits, chunk, kept)
        for chunk, kept in zip(ids.split(_ROWS), mask.split(_ROWS), strict=True)
    ]
    return torch.cat(columns, dim=1)


def _chunk(
    model: GPT2LMHeadModel,
    read: DynamicCache,
    first: torch.Tensor,
    ids: torch.Tensor,
    mask: torch.Tensor,
) -> torch.Tensor:
    """Scores (clips, chunk); `first` are the logits (clips, 1, vocabulary) behind the prefix."""
    clips, count = len(first), len(ids)
    cache = copy.deepcopy(read)
    cache.batch_repeat_interleave(count)
    rows, kept = ids.repeat(clips, 1), mask.repeat(clips, 1)
    logits = first.repeat_interleave(count, 0)
    if ids.shape[1] > 1:
        more = model(input_ids=rows[:, :-1], past_key_values=cache, use_cache=True).logits
        logits = torch.cat((logits, more), dim=1)
    found = -F.cross_entropy(logits.float().transpose(1, 2), rows, reduction="none")
    return ((found * kept).sum(1) / kept.sum(1)).view(clips, count)
