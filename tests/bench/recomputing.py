"""Beam search as the released wrapper does it: the whole sequence and all logits in every step."""

import torch
from transformers import GPT2LMHeadModel


@torch.inference_mode()
def recomputed(
    model: GPT2LMHeadModel, prefix: torch.Tensor, beams: int, steps: int
) -> torch.Tensor:
    """Tokens (beams, steps), best first, behind one prefix (1, length, width); nothing stops."""
    first = model(inputs_embeds=prefix, use_cache=False).logits[0, -1].softmax(-1).log()
    scores, tokens = first.topk(beams)
    tokens, sequence = tokens[:, None], prefix.expand(beams, -1, -1)
    for length in range(2, steps + 1):
        sequence = torch.cat((sequence, model.transformer.wte(tokens[:, -1:])), dim=1)
        logits = model(inputs_embeds=sequence, use_cache=False).logits
        averages = (scores[:, None] + logits[:, -1].softmax(-1).log()) / length
        best, flat = averages.flatten().topk(beams)
        source = flat // averages.shape[1]
        tokens = torch.cat((tokens[source], (flat % averages.shape[1])[:, None]), dim=1)
        sequence, scores = sequence[source], best * length
    return tokens
