"""Log-likelihood of the label texts after audio and prompt (the paper's Fig. 3; formula ours).

A label stands in its template's output form. The fields of a note follow each other in one output,
so a field is asked behind the fields that the run itself wrote before it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pengi_model import Pengi, likelihood, text
from schemas import Benchmark


@dataclass(frozen=True)
class Likely:
    """Log-probabilities (clips, labels): mean per token, sum, and mean less that after silence."""

    mean: Tensor
    total: Tensor
    pmi: Tensor


def likely(
    model: Pengi, benchmark: Benchmark, prefix: Tensor, blank: Tensor, written: Sequence[str]
) -> Likely:
    """How likely each label of the benchmark is for each clip.

    prefix: (clips, length, width); blank: (1, length, width), of silence with the same prompt;
    written: what the run answered to each clip.
    """
    before = [_before(benchmark, answer) for answer in written]
    distinct = sorted(set(before))
    place = torch.tensor([distinct.index(context) for context in before])
    labels = list(benchmark.labels.values())
    mean, tokens = _behind(model, prefix, benchmark, labels, before)
    repeated = blank.expand(len(distinct), -1, -1)
    silent, _ = _behind(model, repeated, benchmark, labels, distinct)
    return Likely(mean, mean * tokens, mean - silent[place])


def _before(benchmark: Benchmark, answer: str) -> str:
    """What an answer says before the benchmark's field, "" where it does not come to it."""
    if benchmark.scoring != "field":
        return ""
    found = re.match(rf"(produced by .*?,)(?= (?:no )?{benchmark.truth}\b)", answer)
    return found[1] if found else ""


def _behind(
    model: Pengi, prefix: Tensor, benchmark: Benchmark, labels: list[str], before: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """Mean log-probability and number of tokens, (clips, labels), of labels behind `before`."""
    mean = torch.empty(len(prefix), len(labels))
    tokens = torch.empty(len(prefix), len(labels))
    contexts = text.plain_ids(model.tokenizer, before)
    for shape in sorted({(len(ids), bool(ids)) for ids in contexts}):
        places = [place for place, ids in enumerate(contexts) if (len(ids), bool(ids)) == shape]
        ids = torch.tensor([contexts[place] for place in places], device=prefix.device).long()
        embedded = model.language_model.transformer.wte(ids.view(len(places), shape[0]))
        start = torch.cat((prefix[places], embedded), dim=1)
        candidates = _candidates(model, benchmark, labels, continued=shape[1])
        mean[places] = _means(model, start, candidates)
        tokens[places] = torch.tensor([len(ids) for ids in candidates]).float()
    return mean, tokens


def _candidates(
    model: Pengi, benchmark: Benchmark, labels: list[str], continued: bool
) -> list[list[int]]:
    """Token ids of every label: a whole answer with its stop, or one field of a note."""
    if benchmark.scoring != "field":
        ids, mask = model.caption_ids(labels)
        return [row[kept.bool()].tolist() for row, kept in zip(ids, mask, strict=True)]
    start, end = " " * continued, "" if benchmark.truth == "qualities" else ","
    return text.plain_ids(model.tokenizer, [f"{start}{label}{end}" for label in labels])


def _means(model: Pengi, prefix: Tensor, candidates: list[list[int]]) -> Tensor:
    """(clips, candidates); candidates of one length run together, without padding."""
    found = torch.empty(len(prefix), len(candidates))
    for length in sorted({len(ids) for ids in candidates}):
        places = [place for place, ids in enumerate(candidates) if len(ids) == length]
        ids = torch.tensor([candidates[place] for place in places], device=prefix.device)
        scores = likelihood.after(model.language_model, prefix, ids, torch.ones_like(ids))
        found[:, places] = scores.cpu()
    return found
