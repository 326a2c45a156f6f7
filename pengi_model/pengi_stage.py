"""Stage `pengi`: captioning loss through a frozen language model (sec. 3.2, eq. 3).

Begins with the mapping networks alone on cached audio vectors (a warm-up the paper does not have:
at this size, end to end from the start does not speak), then trains them with the audio encoder.
Text encoder and language model stay frozen.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pengi_model import order
from pengi_model.augment import augmented
from pengi_model.encoders import Clap
from pengi_model.language_stage import Language
from pengi_model.loop import Emit, adamw, counting, plan, seeded
from pengi_model.mapping import MappingNetwork
from pengi_model.model import Pengi
from pengi_model.reads import Reads
from pengi_model.settings import GenerativeSettings
from pengi_model.sounds import Sounds

_CACHE_BATCH = 16  # clips


class PengiStage:
    """Trains the mapping networks and, after the warm-up, the audio encoder."""

    def __init__(
        self,
        config: GenerativeSettings,
        spec: dict[str, Any],
        parents: dict[str, str],
        seed: int,
        emit: Emit,
    ) -> None:
        self.config, self.seed, self.emit = config, seed, emit
        self.warmup = config.warmup.steps
        self.steps = self.warmup + config.schedule.steps
        self.reads = Reads(spec, config.templates)
        torch.manual_seed(seeded(seed, "weights"))
        self.module = joined(
            Clap.from_pretrained(parents["clap"]),
            Language.from_pretrained(parents["language_model"]),
        )
        model = self.module.eval()
        model.requires_grad_(False)
        trained = [model.audio_mapping, model.text_mapping, model.audio_encoder]
        for part in trained:
            part.requires_grad_(True)
        self.sounds = Sounds(
            self.reads,
            model.audio_encoder.log_mel,
            model.config.samples,
            config.keep_mels,
            counting(emit, "log-mels"),
        )
        self.optimizer = adamw(trained[:2], trained[2:], decay=config.schedule.decay)
        self.cache: Tensor | None = None

    def rates(self, step: int) -> list[float]:
        """Mapping networks (two groups), then audio encoder (two groups)."""
        if step < self.warmup:
            return [self.config.warmup.at(step)] * 2 + [0.0] * 2
        mapping = self.config.schedule.at(step - self.warmup)
        audio = mapping * self.config.audio_rate / self.config.schedule.rate
        return [mapping] * 2 + [audio] * 2

    def clips(self, step: int) -> int:
        """Samples of a batch."""
        return (self.config.warmup if step < self.warmup else self.config.schedule).batch

    def order(self) -> dict[str, Any]:
        """Which samples of the order each range of steps reads."""
        warm, rest = self.config.warmup, self.config.schedule
        ranges = [
            plan(0, self.warmup, warm.batch, 0),
            plan(self.warmup, self.steps, rest.batch, self.warmup * warm.batch),
        ]
        return self.reads.order([line for line in ranges if line["first"] < line["stop"]])

    def loss(self, step: int) -> Tensor:
        """Cross-entropy of the output texts."""
        first, batch = self.first_sample(step), self.clips(step)
        positions = order.samples(len(self.reads), self.seed, first, batch)
        vectors = self._vectors(step, self.sounds.clip_of[positions])
        with torch.no_grad():
            ids, mask = self.module.prompt_ids([self.reads.inputs[at] for at in positions])
            longest = int(mask.sum(1).max())
            prompts = self.module.text_vector(ids[:, :longest], mask[:, :longest])
        prefix = self.module.prefix_from(vectors, prompts)
        caption = self.module.caption_ids([self.reads.outputs[at] for at in positions])
        return self.module.loss(prefix, *caption)

    def first_sample(self, step: int) -> int:
        """Samples of all steps before this one."""
        warm = min(step, self.warmup) * self.config.warmup.batch
        return warm + max(0, step - self.warmup) * self.config.schedule.batch

    def _vectors(self, step: int, clips: np.ndarray) -> Tensor:
        """Audio vectors (clips, projection): of one cached pass each, or through the encoder."""
        encoder = self.module.audio_encoder
        if step < self.warmup:
            draw = np.random.default_rng(seeded(self.seed, "pass", step))
            if self.cache is None:
                self.cache = self._cached()
            return self.cache[draw.integers(len(self.cache), size=len(clips)), clips]
        self.cache = None
        encoder.train(self.config.audio_rate > 0)
        return self._encoded(self._mels(clips, ("step", step)))

    def _encoded(self, mel: Tensor) -> Tensor:
        """Audio vectors in float32; only the audio encoder gains from bfloat16 on a CPU."""
        encoder = self.module.audio_encoder
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bfloat16):
            return encoder.projection(encoder.mel_features(mel)).float()

    def _mels(self, clips: np.ndarray, what: tuple[object, ...]) -> Tensor:
        draw = torch.Generator().manual_seed(seeded(self.seed, "augment", *what))
        crops = np.random.default_rng(seeded(self.seed, "crop", *what)).random(len(clips))
        mel = self.sounds.mels(clips, crops)
        return augmented(mel, self.config.augment, self.sounds.log_mel.std.item(), draw)

    @torch.no_grad()
    def _cached(self) -> Tensor:
        """Audio vectors (1 + passes, clips, projection) of the frozen encoder; pass 0 is clean."""
        self.module.audio_encoder.eval()
        count = counting(self.emit, "audio vectors")
        every = np.arange(len(self.sounds.clips))
        blocks = np.array_split(every, max(1, len(every) // _CACHE_BATCH))
        rows = []
        for turn in range(1 + self.config.passes):
            found = []
            for number, block in enumerate(blocks):
                mel = self._mels(block, ("pass", turn, number)) if turn else self.sounds.mels(block)
                found.append(self._encoded(mel))
                count(turn * len(blocks) + number + 1, (1 + self.config.passes) * len(blocks))
            rows.append(torch.cat(found))
        return torch.stack(rows)

    def save(self, folder: Path) -> None:
        """Write the Pengi model."""
        self.module.eval().save_pretrained(folder)


def joined(clap: Clap, language: Language) -> Pengi:
    """A Pengi of CLAP's encoders and the language model, with new mapping networks.

    They begin as those the language model was trained with, where there are any, but for the layer
    that takes the vector in: what the language model can read is known already.
    """
    config = replace(clap.config, language=language.config.language).steered(False)
    model = Pengi(config, language.tokenizer, clap.tokenizer)
    model.audio_encoder = clap.audio_encoder
    model.text_encoder = clap.text_encoder
    model.language_model = language.language_model
    if language.steering is not None:
        _begin_as(model.audio_mapping, language.steering.audio_mapping)
        _begin_as(model.text_mapping, language.steering.text_mapping)
    return model


def _begin_as(mapping: MappingNetwork, other: MappingNetwork) -> None:
    mapping.prefix_const.data.copy_(other.prefix_const.data)
    mapping.transformer.load_state_dict(other.transformer.state_dict())
