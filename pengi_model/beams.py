"""Beam search ranked as in microsoft/Pengi:wrapper.py, with KV cache, batched over clips.

transformers' own beam search ranks finished hypotheses differently, so it is not used. The beams of
a clip lie side by side in one sequence behind its prefix, which is read and kept once; a mask says
which of the earlier tokens each beam goes on from, so that no cache is ever reordered.
"""

from dataclasses import dataclass

import torch
from transformers import DynamicCache, GPT2LMHeadModel


@dataclass(frozen=True)
class Beams:
    """Hypotheses of every clip, best first."""

    tokens: torch.Tensor  # (clips, beams, steps), -1 beyond the length
    lengths: torch.Tensor  # (clips, beams), the stop token included
    scores: torch.Tensor  # (clips, beams), mean log-probability per token


@torch.inference_mode()
def beam_search(
    model: GPT2LMHeadModel, prefix: torch.Tensor, beams: int, steps: int, stop: int, least: int = 0
) -> Beams:
    """Continue every prefix (clips, length, width) by at most `steps` tokens per hypothesis.

    The stop token is not taken before `least` others.
    """
    clips, length = prefix.shape[:2]
    check_positions(model, length, steps)
    output = model(inputs_embeds=prefix, use_cache=True, logits_to_keep=1)
    cache: DynamicCache = output.past_key_values
    tokens = torch.full((clips, beams, steps), -1, device=prefix.device)
    sums, tokens[:, :, 0] = _log_probs(output.logits[:, -1], stop, least > 0).topk(beams)
    lengths = torch.ones_like(tokens[:, :, 0])
    finished = tokens[:, :, 0] == stop
    live = torch.arange(clips, device=prefix.device)
    itself = torch.eye(beams, dtype=torch.bool, device=prefix.device)
    seen = torch.ones(clips, beams, length, dtype=torch.bool, device=prefix.device)
    for step in range(1, steps):
        going = ~finished[live].all(1)
        live = live[going]
        if not len(live):
            break
        if not going.all():
            cache.batch_select_indices(going.nonzero().flatten())
            seen = seen[going]
        seen = torch.cat((seen, itself.expand(len(live), -1, -1)), dim=2)
        logits = _logits(model, cache, tokens[live, :, step - 1], seen, length + step - 1)
        candidates = _log_probs(logits, stop, step < least)
        best = _extended(candidates, sums[live], lengths[live], finished[live])
        history = tokens[live].gather(1, best.source[:, :, None].expand(-1, -1, steps))
        history[:, :, step] = best.token
        tokens[live], sums[live], lengths[live] = history, best.sums, best.lengths
        finished[live] = best.finished | (best.token == stop)
        seen = seen.gather(1, best.source[:, :, None].expand_as(seen))
    return _sorted(tokens, lengths, sums / lengths)


def _logits(
    model: GPT2LMHeadModel,
    cache: DynamicCache,
    tokens: torch.Tensor,
    seen: torch.Tensor,
    position: int,
) -> torch.Tensor:
    """Logits (clips, beams, vocabulary) behind `tokens` (clips, beams), which the cache takes in.

    seen: (clips, beams, cache + beams), what each beam goes on from; position: of all the tokens.
    """
    return model(
        input_ids=tokens,
        position_ids=torch.full((1, tokens.shape[1]), position, device=tokens.device),
        attention_mask=seen[:, None],
        past_key_values=cache,
        use_cache=True,
    ).logits


def _log_probs(logits: torch.Tensor, stop: int, too_early: bool) -> torch.Tensor:
    """Log-probabilities (..., vocabulary); `too_early`: without the stop token."""
    found = logits.float().log_softmax(-1)
    if too_early and stop < found.shape[-1]:
        found[..., stop] = -torch.inf
    return found


@dataclass(frozen=True)
class _Step:
    """One step of all live clips, each (clips, beams)."""

    source: torch.Tensor  # beam that was continued
    token: torch.Tensor
    sums: torch.Tensor  # of log-probabilities
    lengths: torch.Tensor
    finished: torch.Tensor  # before this token


def _extended(
    log_probs: torch.Tensor, sums: torch.Tensor, lengths: torch.Tensor, finished: torch.Tensor
) -> _Step:
    """The best by mean log-probability; a finished beam goes on with token 0 for free."""
    beams, vocabulary = log_probs.shape[1:]
    log_probs = log_probs.masked_fill(finished[:, :, None], -torch.inf)
    log_probs[:, :, 0].masked_fill_(finished, 0.0)
    lengths = lengths + ~finished
    averages = (sums[:, :, None] + log_probs) / lengths[:, :, None]
    average, flat = averages.flatten(1).topk(beams)
    source = flat // vocabulary
    lengths = lengths.gather(1, source)
    return _Step(
        source=source,
        token=flat % vocabulary,
        sums=average * lengths,
        lengths=lengths,
        finished=finished.gather(1, source),
    )


def _sorted(tokens: torch.Tensor, lengths: torch.Tensor, scores: torch.Tensor) -> Beams:
    """Beams by descending score, tokens beyond the length -1."""
    scores, order = scores.sort(dim=1, descending=True, stable=True)
    lengths = lengths.gather(1, order)
    tokens = tokens.gather(1, order[:, :, None].expand_as(tokens))
    beyond = torch.arange(tokens.shape[2], device=tokens.device) >= lengths[:, :, None]
    return Beams(tokens.masked_fill(beyond, -1), lengths, scores)


def check_positions(model: GPT2LMHeadModel, prefix: int, steps: int) -> None:
    """`ValueError` where the language model has too few positions."""
    limit = model.config.n_positions
    if steps < 1 or prefix + steps - 1 > limit:
        raise ValueError(
            f"max_new_tokens: expected 1 to {limit - prefix + 1} behind a prefix of {prefix} (the "
            f"language model has {limit} positions), found {steps}. Lower it or shorten the text."
        )
