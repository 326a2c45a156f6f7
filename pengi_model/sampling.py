"""Sampling with temperature and nucleus (Holtzman et al. 2020): the same seed, the same text."""

import torch
from transformers import DynamicCache, GPT2LMHeadModel

from pengi_model.beams import Beams, check_positions


@torch.inference_mode()
def sample(
    model: GPT2LMHeadModel,
    prefix: torch.Tensor,
    steps: int,
    stop: int,
    least: int = 0,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Beams:
    """One drawn continuation of every prefix (clips, length, width), as Beams of one hypothesis.

    Drawn from the smallest set of tokens with at least `top_p` of the probability at `temperature`;
    scored by the model's own log-probabilities. Draws are made on the CPU, alike on every device.
    """
    check_positions(model, prefix.shape[1], steps)
    draws = torch.rand(len(prefix), steps, generator=torch.Generator().manual_seed(seed))
    draws = draws.to(prefix.device)
    tokens = torch.full((len(prefix), steps), -1, device=prefix.device)
    sums = torch.zeros(len(prefix), device=prefix.device)
    live = torch.arange(len(prefix), device=prefix.device)
    output = model(inputs_embeds=prefix, use_cache=True, logits_to_keep=1)
    cache: DynamicCache = output.past_key_values
    for step in range(steps):
        log_probs = output.logits[:, -1].float().log_softmax(-1)
        allowed = log_probs.clone()
        if step < least and stop < allowed.shape[-1]:
            allowed[:, stop] = -torch.inf
        token = drawn((allowed / temperature).softmax(-1), top_p, draws[live, step])
        tokens[live, step] = token
        sums[live] += log_probs.gather(1, token[:, None])[:, 0]
        going = token != stop
        live = live[going]
        if step + 1 == steps or not len(live):
            break
        if not going.all():
            cache.batch_select_indices(going.nonzero().flatten())
        output = model(input_ids=token[going, None], past_key_values=cache, use_cache=True)
    lengths = (tokens >= 0).sum(1)
    return Beams(tokens[:, None], lengths[:, None], (sums / lengths)[:, None])


def drawn(probabilities: torch.Tensor, top_p: float, draws: torch.Tensor) -> torch.Tensor:
    """Token (rows,) of each row of probabilities (rows, vocabulary) by a number in [0, 1)."""
    ranked, order = probabilities.sort(dim=-1, descending=True, stable=True)
    kept = ranked.masked_fill(ranked.cumsum(-1) - ranked >= top_p, 0.0)
    bounds = kept.cumsum(-1)
    place = torch.searchsorted(bounds, draws[:, None] * bounds[:, -1:], right=True)
    place = place.minimum((kept > 0).sum(-1, keepdim=True) - 1)
    return order.gather(1, place)[:, 0]
