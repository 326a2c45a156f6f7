"""From prefixes to tokens: additional text behind them, then beams or drawn tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pengi_model import text
from pengi_model.audio import per_clip
from pengi_model.beams import Beams, beam_search
from pengi_model.sampling import sample

if TYPE_CHECKING:
    from pengi_model.model import Pengi


@dataclass(frozen=True)
class Decoding:
    """How text is found. Beam search with mean log-probability (released; beam 5, sec. 4.3); one
    beam is greedy. With `sample`, drawn by temperature and top_p from `seed`, without beams."""

    beam_size: int = 5
    max_new_tokens: int = 30  # example.py of the released code
    min_new_tokens: int = 0  # before the stop token
    sample: bool = False
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        wrong = {
            "beam_size": (self.beam_size >= 1, "at least 1"),
            "min_new_tokens": (0 <= self.min_new_tokens <= self.max_new_tokens, "0 to the maximum"),
            "temperature": (self.temperature > 0, "above 0; greedy is beam_size=1"),
            "top_p": (0 < self.top_p <= 1, "above 0, at most 1"),
        }
        for name, (fine, expected) in wrong.items():
            if not fine:
                raise ValueError(f"{name}: expected {expected}, found {getattr(self, name)}.")

    def search(self, model: "Pengi", prefix: torch.Tensor) -> Beams:
        """Hypotheses behind prefixes (clips, length, width)."""
        language, stop = model.language_model, model.config.language.stop
        longest, least = self.max_new_tokens, self.min_new_tokens
        if self.sample:
            return sample(
                language, prefix, longest, stop, least, self.temperature, self.top_p, self.seed
            )
        return beam_search(language, prefix, self.beam_size, longest, stop, least)


def generate(
    model: "Pengi",
    prefix: torch.Tensor,
    additional_text: str | Sequence[str] | None,
    decoding: Decoding,
) -> list[tuple[list[int], float]]:
    """Tokens and score of the best hypothesis per clip; clips of equal length run together."""
    clips = len(prefix)
    added = additional_ids(model, additional_text, clips)
    found: list[tuple[list[int], float]] = [([], 0.0)] * clips
    for length in sorted({len(ids) for ids in added}):
        places = [clip for clip in range(clips) if len(added[clip]) == length]
        ids = torch.tensor([added[clip] for clip in places], dtype=torch.long, device=prefix.device)
        embedded = model.language_model.transformer.wte(ids.view(len(places), length))
        beams = decoding.search(model, torch.cat((prefix[places], embedded), dim=1))
        for row, clip in enumerate(places):
            tokens = beams.tokens[row, 0, : beams.lengths[row, 0]].tolist()
            found[clip] = (tokens, float(beams.scores[row, 0]))
    return found


def additional_ids(
    model: "Pengi", additional_text: str | Sequence[str] | None, clips: int
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
