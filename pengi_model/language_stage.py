"""Stage `language_model`: a tiny tokenizer and GPT-2 trained on the release's text, then frozen.

Stands in for the paper's pre-trained GPT-2 (sec. 3.2) where no hub is at hand. A frozen language
model that never saw a prefix cannot be steered by one, so it learns to write behind a prefix as
Pengi's will be: mapping networks make it of two vectors, here of the words of the text to write
(in place of a sound) and of the words of the prompt. Pengi's mapping networks begin as these.
Measured on mini, cached audio vectors, 500 warm-up steps, generated text: slots that hold tokens to
copy give ESC-10 0.37 and CREMA-D 0.43, vectors 0.82 and 0.90.
"""

import math
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast

from pengi_model import checkpoint
from pengi_model.config import ModelConfig
from pengi_model.mapping import MappingNetwork
from pengi_model.model import gpt2
from pengi_model.ranks import Ranks
from pengi_model.reads import texts
from pengi_model.settings import SIZES, LanguageSettings
from pengi_model.stage import adamw, seeded
from pengi_model.tokens import end_of, of_release

Sample = tuple[dict[int, float], list[int], list[int]]  # heard with weights, prompt, text


class Drawn(NamedTuple):
    """Samples of a batch; every part has its own length, padded, and a mask of what counts.

    `heard_mask` weighs the words: the rarer in the texts of its template, the more a word tells.
    """

    heard: Tensor
    heard_mask: Tensor
    prompt: Tensor
    prompt_mask: Tensor
    text: Tensor
    text_mask: Tensor


class Texts:
    """Samples of the language model: distinct (input, output) texts of every template.

    A template comes as often as the square root of its number of texts: three sentiments need fewer
    samples than three hundred notes.
    In the share `copied` the words of the output are heard, each left out in the share `dropped`;
    in the rest nothing is, so that the model learns to speak without being told.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        groups: dict[str, list[tuple[str, str]]],
        limit: int,
        copied: float,
        dropped: float,
    ) -> None:
        self.tokenizer, self.limit = tokenizer, limit
        self.copied, self.dropped = copied, dropped
        self.end = end_of(tokenizer)
        self.groups = [
            [(self._ids(given), self._ids(output)) for given, output in pairs]
            for pairs in groups.values()
        ]
        self.weights = [_telling([output for _, output in group]) for group in self.groups]
        often = np.sqrt([len(group) for group in self.groups])
        self.shares = often / often.sum()

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text)["input_ids"]

    def batch(self, size: int, seed: int) -> Drawn:
        """`size` samples."""
        draw = np.random.default_rng(seed)
        rows = [self._sample(draw) for _ in range(size)]
        heard, prompts, outputs = (list(part) for part in zip(*rows, strict=True))
        return Drawn(*self._padded(heard), *self._padded(prompts), *self._padded(outputs))

    def _sample(self, draw: np.random.Generator) -> Sample:
        place = int(draw.choice(len(self.groups), p=self.shares))
        group = self.groups[place]
        prompt, output = group[int(draw.integers(len(group)))]
        told = draw.random() < self.copied
        words = list(dict.fromkeys(output))
        kept = (draw.random(len(words)) >= self.dropped) & told
        heard = {
            word: self.weights[place][word] for word, keep in zip(words, kept, strict=True) if keep
        }
        return heard, prompt, [*output[: self.limit - 1], self.end]

    def _padded(self, rows: list[dict[int, float]] | list[list[int]]) -> tuple[Tensor, Tensor]:
        """Ids and mask (rows, longest); the mask holds a row's weights, or ones."""
        length = max(1, *map(len, rows))
        ids = torch.full((len(rows), length), self.end)
        mask = torch.zeros(len(rows), length)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.tensor(list(row), dtype=torch.long)
            mask[place, : len(row)] = torch.tensor(
                list(row.values()) if isinstance(row, dict) else [1.0] * len(row)
            )
        return ids, mask


def _telling(outputs: list[list[int]]) -> dict[int, float]:
    """Token -> ln((texts + 1) / texts that have it): what all texts have tells next to nothing."""
    common = Counter(token for output in outputs for token in set(output))
    return {token: math.log((len(outputs) + 1) / count) for token, count in common.items()}


class Steering(nn.Module):
    """Bags of words -> prefix, through mapping networks of Pengi's shapes."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        assert config.text_mapping is not None  # the sizes have one, only a variant has none
        source, width = config.projection, config.language.width
        self.words = nn.Embedding(config.language.vocabulary, source)
        self.audio_mapping = MappingNetwork(config.audio_mapping, source, width)
        self.text_mapping = MappingNetwork(config.text_mapping, source, width)

    def forward(self, drawn: Drawn) -> Tensor:
        """(batch, audio prefix + text prefix, width)."""
        heard = self.audio_mapping(self.bag(drawn.heard, drawn.heard_mask))
        return torch.cat((heard, self.text_mapping(self.bag(drawn.prompt, drawn.prompt_mask))), 1)

    def bag(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit vectors (batch, projection) of what `mask` leaves of `ids`; zero for nothing."""
        return F.normalize((self.words(ids) * mask[..., None]).sum(1), dim=-1)


class Language(nn.Module):
    """A tokenizer and the language model trained with it; saved and loaded as the other models.

    `steering` is there where the configuration says so: where the model was trained here.
    """

    kind = "language_model"

    def __init__(self, config: ModelConfig, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = self.prompt_tokenizer = tokenizer
        self.language_model = gpt2(config.language)
        self.steering = Steering(config) if config.language.steered else None

    def loss(self, drawn: Drawn) -> Tensor:
        """Cross-entropy of the texts behind their prefixes, mean over their tokens."""
        assert self.steering is not None  # only a model that is trained here is asked
        words = self.language_model.transformer.wte(drawn.text[:, :-1])
        logits = self.language_model(
            inputs_embeds=torch.cat((self.steering(drawn), words), 1),
            logits_to_keep=drawn.text.shape[1],
            use_cache=False,
        ).logits
        each = F.cross_entropy(logits.float().transpose(1, 2), drawn.text, reduction="none")
        return (each * drawn.text_mask).sum() / drawn.text_mask.sum()

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
        size = SIZES[config.size].with_tokens(len(tokenizer), end, end).steered()
        self.module = Language(size, tokenizer).train().to(ranks.device)
        self.texts = Texts(
            tokenizer, texts(spec), size.caption_tokens, config.copied, config.dropped
        )
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

    def prepare(self, step: int) -> Drawn:
        """The step's texts; every process draws the same."""
        return self.texts.batch(self.config.schedule.batch, seeded(self.seed, "texts", step))

    def backward(self, step: int, batch: Drawn) -> Tensor:
        """Cross-entropy of the texts behind their prefixes."""
        device = self.ranks.device
        drawn = Drawn(*(part.to(device) for part in batch))
        with torch.autocast(device.type, torch.bfloat16, enabled=self.config.bfloat16):
            loss = self.module.loss(drawn)
        loss.backward()
        count = drawn.text_mask.sum()
        return torch.stack([loss.detach() * count, count])[:, None]

    def validate(self) -> tuple[Tensor, list[dict[str, Any]]]:
        """Nothing is held out."""
        return torch.zeros(2, device=self.ranks.device), []

    def save(self, folder: Path) -> None:
        """Write tokenizer and language model."""
        self.module.eval().save_pretrained(folder)
