"""Stage `language_model`: a tiny tokenizer and GPT-2 trained on the release's text, then frozen.

Stands in for the paper's pre-trained GPT-2 (sec. 3.2) where no hub is at hand. A frozen language
model that never saw a prefix cannot be steered by one, so each sample is laid out as Pengi will lay
it out: audio slots, prompt slots, then the text to write. In the share `copied` of the samples the
audio slots hold words of that text (or the text is random words), so that the model learns to read
its prefix instead of only reciting.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast

from pengi_model import checkpoint
from pengi_model.config import ModelConfig
from pengi_model.model import gpt2
from pengi_model.ranks import Ranks
from pengi_model.reads import texts
from pengi_model.settings import SIZES, LanguageSettings
from pengi_model.stage import adamw, seeded
from pengi_model.tokens import end_of, of_release

_LONGEST = 6  # random words in a row
_RANDOM = 0.25  # of the copied samples


class Texts:
    """Samples of the language model: distinct (input, output) texts, each template as often."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        groups: dict[str, list[tuple[str, str]]],
        slots: tuple[int, int],
        limit: int,
        copied: float,
    ) -> None:
        self.tokenizer, self.slots, self.limit, self.copied = tokenizer, slots, limit, copied
        self.end = end_of(tokenizer)
        self.groups = [
            [(self._ids(given), self._ids(output)) for given, output in pairs]
            for pairs in groups.values()
        ]
        self.common = [  # token -> texts of the template that have it
            Counter(token for _, output in group for token in set(output)) for group in self.groups
        ]
        outputs = [output for pairs in groups.values() for _, output in pairs]
        words = sorted({word for output in outputs for word in output.split()})
        self.words = [self._ids(f" {word}") for word in words]

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text)["input_ids"]

    def batch(self, size: int, seed: int) -> tuple[Tensor, Tensor]:
        """Ids and targets (size, length); a target of -100 is not learned."""
        draw = np.random.default_rng(seed)
        rows = [self._sample(draw) for _ in range(size)]
        length = max(len(context) + len(output) for context, output in rows)
        ids = torch.full((size, length), self.end)
        targets = torch.full((size, length), -100)
        for row, (context, output) in enumerate(rows):
            stop = len(context) + len(output)
            ids[row, :stop] = torch.tensor(context + output)
            targets[row, len(context) : stop] = torch.tensor(output)
        return ids, targets

    def _sample(self, draw: np.random.Generator) -> tuple[list[int], list[int]]:
        place = int(draw.integers(len(self.groups)))
        group = self.groups[place]
        prompt, output = group[int(draw.integers(len(group)))]
        heard: list[int] = []
        if draw.random() < self.copied:
            if draw.random() < _RANDOM:
                count = int(draw.integers(1, _LONGEST + 1))
                chosen = draw.integers(len(self.words), size=count).tolist()
                output = [token for word in chosen for token in self.words[word]]
                heard = output[: self.slots[0]]
            else:
                heard = draw.permutation(self._telling(place, output)).tolist()
        return self._context(heard, prompt), [*output[: self.limit - 1], self.end]

    def _telling(self, place: int, output: list[int]) -> list[int]:
        """The tokens that tell this text from others of its template: the rarest, one a slot."""
        rare = sorted(set(output), key=lambda token: (self.common[place][token], token))
        return rare[: self.slots[0]]

    def _context(self, heard: list[int], prompt: list[int]) -> list[int]:
        audio, text = self.slots
        prompt = prompt[-text:]
        return [
            *heard,
            *[self.end] * (audio - len(heard)),
            *prompt,
            *[self.end] * (text - len(prompt)),
        ]


class Language(nn.Module):
    """A tokenizer and the language model trained with it; saved and loaded as the other models."""

    kind = "language_model"

    def __init__(self, config: ModelConfig, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = self.prompt_tokenizer = tokenizer
        self.language_model = gpt2(config.language)

    def save_pretrained(self, path: Path) -> None:
        """Write config.json, model.safetensors and the tokenizer into a new folder."""
        checkpoint.save(self, path)

    @classmethod
    def from_pretrained(cls, path: Path | str) -> "Language":
        """The model of a folder written by `save_pretrained`, in eval mode."""
        return checkpoint.load(cls, Path(path))


class LanguageStage:
    """Trains the language model on the distinct texts of the release."""

    templates = ("",)

    def __init__(
        self, config: LanguageSettings, spec: dict[str, Any], seed: int, ranks: Ranks
    ) -> None:
        self.config, self.seed, self.ranks = config, seed, ranks
        self.steps = config.schedule.steps
        tokenizer = of_release(spec, config.vocabulary)
        torch.manual_seed(seeded(seed, "weights"))
        end = end_of(tokenizer)
        size = SIZES[config.size].with_tokens(len(tokenizer), end, end)
        self.module = Language(size, tokenizer).train().to(ranks.device)
        slots = (size.audio_mapping.prefix, size.text_prefix)
        self.texts = Texts(tokenizer, texts(spec), slots, size.caption_tokens, config.copied)
        self.optimizer = adamw([self.module], decay=config.schedule.decay)

    def rates(self, step: int) -> list[float]:
        """The one learning rate, for both groups."""
        return [self.config.schedule.at(step)] * len(self.optimizer.param_groups)

    def order(self) -> dict[str, Any]:
        """Nothing: texts are drawn, no pair is read in order."""
        return {}

    def pairs(self, step: int) -> list[str]:
        """None."""
        return []

    def clips(self, step: int) -> int:
        """Texts of a batch."""
        return self.config.schedule.batch

    def prepare(self, step: int) -> tuple[Tensor, Tensor]:
        """Ids and targets of the step's texts; every process draws the same."""
        return self.texts.batch(self.config.schedule.batch, seeded(self.seed, "texts", step))

    def backward(self, step: int, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Cross-entropy of the texts behind their slots."""
        device = self.ranks.device
        ids, targets = (part.to(device) for part in batch)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.config.bfloat16):
            logits = self.module.language_model(input_ids=ids, use_cache=False).logits
        targets = targets[:, 1:].flatten()
        loss = F.cross_entropy(logits[:, :-1].float().flatten(0, 1), targets)
        loss.backward()
        count = (targets >= 0).sum()
        return torch.stack([loss.detach() * count, count.to(loss.dtype)])[:, None]

    def validate(self) -> tuple[Tensor, list[dict[str, Any]]]:
        """Nothing is held out."""
        return torch.zeros(2, device=self.ranks.device), []

    def save(self, folder: Path) -> None:
        """Write tokenizer and language model."""
        self.module.eval().save_pretrained(folder)
