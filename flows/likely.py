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
    total, tokens = _behind(model, prefix, benchmark, labels, before)
    repeated = blank.expand(len(distinct), -1, -1)
    silent, _ = _behind(model, repeated, benchmark, labels, distinct)
    return Likely(total / tokens, total, (total - silent[place]) / tokens)


def _before(benchmark: Benchmark, answer: str) -> str:
    """What an answer says before the benchmark's field, "" where it does not come to it."""
    if benchmark.scoring != "field":
        return ""
    found = re.match(rf"(produced by .*?,)(?= (?:no )?{benchmark.truth}\b)", answer)
    return found[1] if found else ""


def _behind(
    model: Pengi, prefix: Tensor, benchmark: Benchmark, labels: list[str], before: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """Sum of log-probabilities and number of tokens, (clips, labels), of labels behind `before`."""
    total = torch.empty(len(prefix), len(labels))
    tokens = torch.empty(len(prefix), len(labels))
    contexts = text.plain_ids(model.tokenizer, before)
    for shape in sorted({(len(ids), bool(ids)) for ids in contexts}):
        places = [place for place, ids in enumerate(contexts) if (len(ids), bool(ids)) == shape]
        ids = torch.tensor([contexts[place] for place in places], device=prefix.device).long()
        embedded = model.language_model.transformer.wte(ids.view(len(places), shape[0]))
        start = torch.cat((prefix[places], embedded), dim=1)
        candidates = _candidates(model, benchmark, labels, continued=shape[1])
        ids, mask = _padded(candidates)
        found = likelihood.after(
            model.language_model, start, ids.to(prefix.device), mask.to(prefix.device)
        )
        total[places] = found.cpu()
        tokens[places] = mask.sum(1).float()
    return total, tokens


def _candidates(
    model: Pengi, benchmark: Benchmark, labels: list[str], continued: bool
) -> list[list[int]]:
    """Token ids of every label: a whole answer with its stop, or one field of a note."""
    if benchmark.scoring != "field":
        ids, mask = model.caption_ids(labels)
        return [row[kept.bool()].tolist() for row, kept in zip(ids, mask, strict=True)]
    start, end = " " * continued, "" if benchmark.truth == "qualities" else ","
    return text.plain_ids(model.tokenizer, [f"{start}{label}{end}" for label in labels])


def _padded(rows: list[list[int]]) -> text.Ids:
    """Ids and mask (rows, longest)."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return ids, torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
