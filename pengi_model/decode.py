"""Beam search ranked as in microsoft/Pengi:wrapper.py, with KV cache, batched over clips.

transformers' own beam search ranks finished hypotheses differently, so it is not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import DynamicCache, GPT2LMHeadModel

from pengi_model import text
from pengi_model.audio import per_clip

if TYPE_CHECKING:
    from pengi_model.model import Pengi


@dataclass(frozen=True)
class Beams:
    """Hypotheses of every clip, best first."""

    tokens: torch.Tensor  # (clips, beams, steps), -1 beyond the length
    lengths: torch.Tensor  # (clips, beams), the stop token included
    scores: torch.Tensor  # (clips, beams), mean log-probability per token


def generate(
    model: "Pengi",
    prefix: torch.Tensor,
    additional_text: Sequence[str] | None,
    beam_size: int,
    max_new_tokens: int,
) -> list[tuple[list[int], float]]:
    """Tokens and score of the best hypothesis per clip; clips of equal length run together."""
    clips = len(prefix)
    added = additional_ids(model, additional_text, clips)
    found: list[tuple[list[int], float]] = [([], 0.0)] * clips
    for length in sorted({len(ids) for ids in added}):
        places = [clip for clip in range(clips) if len(added[clip]) == length]
        ids = torch.tensor([added[clip] for clip in places], dtype=torch.long, device=prefix.device)
        embedded = model.language_model.transformer.wte(ids.view(len(places), length))
        start = torch.cat((prefix[places], embedded), dim=1)
        beams = beam_search(
            model.language_model, start, beam_size, max_new_tokens, model.config.language.stop
        )
        for row, clip in enumerate(places):
            tokens = beams.tokens[row, 0, : beams.lengths[row, 0]].tolist()
            found[clip] = (tokens, float(beams.scores[row, 0]))
    return found


def additional_ids(
    model: "Pengi", additional_text: Sequence[str] | None, clips: int
) -> list[list[int]]:
    """Tokens to append behind each prefix: those of the whole text (App. A), or as released of
    character i for clip i."""
    if additional_text is None:
        return [[]] * clips
    texts = per_clip(additional_text, clips, "additional_text")
    if model.config.additional_text == "character":
        short = [i for i, added in enumerate(texts) if len(added) <= i]
        if short:
            raise ValueError(
                f"additional_text[{short[0]}]: as released, clip i reads character i only; "
                f"expected at least {short[0] + 1} characters, found {texts[short[0]]!r}. Set "
                'additional_text="tokens" in the configuration to read whole texts.'
            )
        texts = [added[i] for i, added in enumerate(texts)]
    return text.plain_ids(model.tokenizer, texts) if texts else []


@torch.inference_mode()
def beam_search(
    model: GPT2LMHeadModel, prefix: torch.Tensor, beams: int, steps: int, stop: int
) -> Beams:
    """Continue every prefix (clips, length, width) by at most `steps` tokens per hypothesis."""
    _check_positions(model, prefix.shape[1], steps)
    clips = len(prefix)
    output = model(inputs_embeds=prefix, use_cache=True, logits_to_keep=1)
    cache: DynamicCache = output.past_key_values
    cache.batch_repeat_interleave(beams)
    tokens = torch.full((clips, beams, steps), -1, device=prefix.device)
    sums, tokens[:, :, 0] = _log_probs(output.logits).topk(beams)
    lengths = torch.ones_like(tokens[:, :, 0])
    finished = tokens[:, :, 0] == stop
    live = torch.arange(clips, device=prefix.device)
    for step in range(1, steps):
        going = ~finished[live].all(1)
        live = live[going]
        if not len(live):
            break
        if not going.all():
            cache.batch_select_indices(going.repeat_interleave(beams).nonzero().flatten())
        last = tokens[live, :, step - 1].view(-1, 1)
        logits = model(input_ids=last, past_key_values=cache, use_cache=True).logits
        candidates = _log_probs(logits).view(len(live), beams, -1)
        best = _extended(candidates, sums[live], lengths[live], finished[live])
        history = tokens[live].gather(1, best.source[:, :, None].expand(-1, -1, steps))
        history[:, :, step] = best.token
        tokens[live], sums[live], lengths[live] = history, best.sums, best.lengths
        finished[live] = best.finished | (best.token == stop)
        offset = torch.arange(len(live), device=live.device)[:, None] * beams
        cache.batch_select_indices((best.source + offset).flatten())
    return _sorted(tokens, lengths, sums / lengths)


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


def _log_probs(logits: torch.Tensor) -> torch.Tensor:
    """Logits (rows, 1, vocabulary) -> log-probabilities (rows, vocabulary)."""
    return logits[:, -1].float().log_softmax(-1)


def _sorted(tokens: torch.Tensor, lengths: torch.Tensor, scores: torch.Tensor) -> Beams:
    """Beams by descending score, tokens beyond the length -1."""
    scores, order = scores.sort(dim=1, descending=True, stable=True)
    lengths = lengths.gather(1, order)
    tokens = tokens.gather(1, order[:, :, None].expand_as(tokens))
    beyond = torch.arange(tokens.shape[2], device=tokens.device) >= lengths[:, :, None]
    return Beams(tokens.masked_fill(beyond, -1), lengths, scores)


def _check_positions(model: GPT2LMHeadModel, prefix: int, steps: int) -> None:
    limit = model.config.n_positions
    if steps < 1 or prefix + steps - 1 > limit:
        raise ValueError(
            f"max_new_tokens: expected 1 to {limit - prefix + 1} behind a prefix of {prefix} (the "
            f"language model has {limit} positions), found {steps}. Lower it or shorten the text."
        )
