"""Log-likelihood of given texts after a prefix: closed-set answers without generation."""

import copy
from typing import Literal

import torch
from torch.nn import functional as F
from transformers import DynamicCache, GPT2LMHeadModel

Form = Literal["mean", "sum", "pmi"]

_TOKENS = 1024  # read in one forward pass, all clips together, for memory


@torch.inference_mode()
def after(
    model: GPT2LMHeadModel, prefix: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Sum of the log-probabilities of each text's tokens, (clips, candidates), in float32.

    prefix: (clips, length, width); ids and mask: (candidates, tokens), every candidate with at
    least one token, padded on the right. The prefix is read once per clip; the candidates lie side
    by side behind it in one sequence, a mask keeps them apart.
    """
    if not bool(mask[:, 0].all()):
        raise ValueError("candidates: expected at least one token in each, found an empty one.")
    at_once = max(1, _TOKENS // ids.shape[1])  # candidates
    clips = max(1, _TOKENS // (min(at_once, len(ids)) * ids.shape[1]))
    return torch.cat([_scores(model, part, ids, mask, at_once) for part in prefix.split(clips)])


def _scores(
    model: GPT2LMHeadModel,
    prefix: torch.Tensor,
    ids: torch.Tensor,
    mask: torch.Tensor,
    at_once: int,
) -> torch.Tensor:
    """`after` for as many clips as fit at once."""
    output = model(inputs_embeds=prefix, use_cache=True, logits_to_keep=1)
    first = output.logits[:, -1].float().log_softmax(-1)[:, ids[:, 0]]
    rest = [
        _rest(model, output.past_key_values, len(prefix), chunk, kept.bool())
        for chunk, kept in zip(ids.split(at_once), mask.split(at_once), strict=True)
    ]
    return first + torch.cat(rest, dim=1)


def _rest(
    model: GPT2LMHeadModel, read: DynamicCache, clips: int, ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Sums (clips, candidates) over all tokens but the first of each candidate."""
    length = read.get_seq_length()
    owner, place = mask[:, 1:].nonzero(as_tuple=True)  # of each token that is read
    sums = torch.zeros(clips, len(ids), device=ids.device)
    if not len(owner):
        return sums
    earlier = (owner[:, None] == owner) & (place[:, None] >= place)
    seen = F.pad(earlier, (length, 0), value=True)  # (tokens, prefix + tokens)
    logits = model(
        input_ids=ids[owner, place].expand(clips, -1),
        position_ids=(length + place)[None],
        attention_mask=seen.expand(clips, 1, -1, -1),
        past_key_values=copy.deepcopy(read),
        use_cache=True,
    ).logits
    wanted = ids[owner, place + 1].expand(clips, -1)
    found = F.cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), reduction="none")
    return sums.index_add_(1, owner, -found.view(clips, -1))
