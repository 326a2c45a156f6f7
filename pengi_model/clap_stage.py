"""Stage `clap`: audio and text encoder by contrastive learning (sec. 3.1; temperature learned)."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pengi_model import order
from pengi_model.augment import augmented
from pengi_model.encoders import Clap
from pengi_model.loop import Emit, adamw, counting, plan, seeded
from pengi_model.reads import Reads
from pengi_model.settings import SIZES, ContrastiveSettings
from pengi_model.sounds import Sounds
from pengi_model.tokens import end_of, of_release

_MOST = math.log(100)  # of the logit scale, as in CLIP


class ClapStage:
    """Trains both encoders and the temperature; the text of a pair is its output text."""

    def __init__(
        self, config: ContrastiveSettings, spec: dict[str, Any], seed: int, emit: Emit
    ) -> None:
        self.config, self.seed = config, seed
        self.steps = config.schedule.steps
        self.reads = Reads(spec, config.templates)
        tokenizer = of_release(spec, config.vocabulary)
        torch.manual_seed(seeded(seed, "weights"))
        end = end_of(tokenizer)
        size = SIZES[config.size].with_tokens(len(tokenizer), end, end)
        self.module = Clap(size, tokenizer).train()
        with torch.no_grad():
            self.module.log_scale.fill_(-math.log(config.temperature))
        log_mel = self.module.audio_encoder.log_mel
        self.sounds = Sounds(
            self.reads, log_mel, size.samples, config.keep_mels, counting(emit, "log-mels")
        )
        self.sounds.standardise()
        self.optimizer = adamw([self.module], decay=config.schedule.decay)

    def rates(self, step: int) -> list[float]:
        """The one learning rate, for both groups."""
        return [self.config.schedule.at(step)] * len(self.optimizer.param_groups)

    def clips(self, step: int) -> int:
        """Samples of a batch."""
        return self.config.schedule.batch

    def order(self) -> dict[str, Any]:
        """Which samples of the order each range of steps reads."""
        return self.reads.order([plan(0, self.steps, self.config.schedule.batch, 0)])

    def loss(self, step: int) -> Tensor:
        """Symmetric cross-entropy between the batch's sounds and texts."""
        batch = self.config.schedule.batch
        positions = order.samples(len(self.reads), self.seed, step * batch, batch)
        draw = torch.Generator().manual_seed(seeded(self.seed, "augment", step))
        crops = np.random.default_rng(seeded(self.seed, "crop", step)).random(batch)
        mel = self.sounds.mels(self.sounds.clip_of[positions], crops)
        mel = augmented(mel, self.config.augment, self.sounds.log_mel.std.item(), draw)
        texts = [self.reads.outputs[position] for position in positions]
        ids, mask = self.module.prompt_ids(texts)
        longest = int(mask.sum(1).max())
        encoder, reader = self.module.audio_encoder, self.module.text_encoder
        assert reader is not None  # Clap refuses a configuration without one
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bfloat16):
            audio = encoder.projection(encoder.mel_features(mel)).float()
            text = reader(ids[:, :longest], mask[:, :longest]).float()
        scale = self.module.log_scale.clamp(max=_MOST).exp()
        logits = scale * F.normalize(audio, dim=-1) @ F.normalize(text, dim=-1).T
        return contrastive(logits, wanted(texts, self.config.positives == "same_text"))

    def save(self, folder: Path) -> None:
        """Write the CLAP model."""
        self.module.eval().save_pretrained(folder)


def wanted(texts: list[str], same_text: bool) -> Tensor:
    """Target distribution (texts, texts): the diagonal, or shared among equal texts."""
    if not same_text:
        return torch.eye(len(texts))
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    place = torch.tensor([numbers[text] for text in texts])
    same = (place[:, None] == place[None]).float()
    return same / same.sum(1, keepdim=True)


def contrastive(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of the cross-entropies audio to text and text to audio; `targets` is symmetric."""
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2
