"""Stage `clap`: audio and text encoder by contrastive learning (sec. 3.1; temperature learned)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pengi_model import order
from pengi_model.augment import augmented
from pengi_model.encoders import Clap
from pengi_model.joining import contrasted
from pengi_model.ranks import Ranks
from pengi_model.reads import Integers, Reads
from pengi_model.settings import ContrastiveSettings
from pengi_model.sharing import by_template, kept_statistics, one_reduction, parallel
from pengi_model.sounds import Sounds
from pengi_model.stage import Emit, adamw, counting, plan, seeded
from pengi_model.table import TokenTable

_MOST = math.log(100)  # of the logit scale, as in CLIP
_VALIDATION = 256  # pairs at a time, among which each sound has to find its text


class Towers(nn.Module):
    """Both encoders: log-mels, ids and mask -> unit vectors (batch, projection) of each."""

    def __init__(self, model: Clap, device: str, bfloat16: bool) -> None:
        super().__init__()
        self.audio, self.text = model.audio_encoder, model.text_encoder
        self.device, self.narrow = device, bfloat16

    def forward(self, mel: Tensor, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        assert self.text is not None  # Clap refuses a configuration without one
        with torch.autocast(self.device, torch.bfloat16, enabled=self.narrow):
            audio = self.audio.projection(self.audio.mel_features(mel)).float()
            text = self.text(ids, mask).float()
        return F.normalize(audio, dim=-1), F.normalize(text, dim=-1)


@dataclass(frozen=True)
class Batch:
    """This process's share of a step, and the texts' numbers of the whole of it."""

    read: Tensor
    ids: Tensor
    mask: Tensor
    outputs: Integers  # (global batch,)
    templates: Integers  # (share,)


class ClapStage:
    """Trains both encoders and the temperature; the text of a pair is its output text."""

    def __init__(
        self,
        config: ContrastiveSettings,
        spec: dict[str, Any],
        parents: dict[str, str],
        seed: int,
        emit: Emit,
        ranks: Ranks,
    ) -> None:
        self.config, self.seed, self.ranks = config, seed, ranks
        self.reads = Reads(spec, config.templates, config.held_out)
        self.templates = self.reads.templates
        self.schedule = config.schedule.over(len(self.reads))
        self.steps = self.schedule.steps
        torch.manual_seed(seeded(seed, "weights"))
        self.module = contrasted(config, spec, parents.get("text_encoder")).train()
        with torch.no_grad():
            self.module.log_scale.fill_(-math.log(config.temperature))
        self.sounds = Sounds(
            self.reads.waves,
            self.module.audio_encoder.log_mel,
            self.module.config.samples,
            config.keep_mels,
            counting(emit, "log-mels"),
        )
        if config.standardise:
            self.sounds.standardise()
        text = self.module.config.text
        assert text is not None  # Clap refuses a configuration without one
        self.texts = TokenTable(self.reads.outputs, self.module.prompt_ids, text.end)
        self.module.to(ranks.device)
        towers = Towers(self.module, ranks.device.type, config.bfloat16)
        if config.compile:
            towers.compile()
        self.towers = parallel(towers, ranks)
        self.optimizer = adamw([self.module], decay=self.schedule.decay)

    def rates(self, step: int) -> list[float]:
        """The one learning rate, for both groups."""
        return [self.schedule.at(step)] * len(self.optimizer.param_groups)

    def clips(self, step: int) -> int:
        """Samples of a batch."""
        return self.schedule.batch

    def order(self) -> dict[str, Any]:
        """Which samples of the order each range of steps reads."""
        return self.reads.order([plan(0, self.steps, self.schedule.batch, 0)])

    def pairs(self, step: int) -> list[str]:
        """Ids of the pairs of this process's share."""
        return self.reads.pair_ids(self._rows(step)[self.ranks.share(self.schedule.batch)])

    def _rows(self, step: int) -> Integers:
        batch = self.schedule.batch
        positions = order.samples(len(self.reads), self.seed, step * batch, batch)
        return self.reads.rows[positions]

    def prepare(self, step: int) -> Batch:
        """Sounds and texts of this process's share."""
        share = self.ranks.share(self.schedule.batch)
        whole = self._rows(step)
        crops = np.random.default_rng(seeded(self.seed, "crop", step)).random(len(whole))
        return self._batch(whole[share], self.reads.output_of(whole), crops[share])

    def _batch(self, rows: Integers, outputs: Integers, crops: Any = None) -> Batch:
        read = self.sounds.read(self.reads.clip_of(rows), crops)
        ids, mask = self.texts.batch(self.reads.output_of(rows))
        return Batch(read, ids, mask, outputs, self.reads.template_of(rows))

    def backward(self, step: int, batch: Batch) -> Tensor:
        """Symmetric cross-entropy between all processes' sounds and texts.

        A share of more than `micro` samples is embedded twice: without gradients for the loss, then
        part by part for the gradients, so that the loss is that of the whole batch all the same.
        """
        device = self.ranks.device
        mel = augmented(
            self.sounds.mels(batch.read),
            self.config.augment,
            self.sounds.log_mel.std.item() if self.config.standardise else 1.0,
            torch.Generator().manual_seed(seeded(self.seed, "augment", step, self.ranks.rank)),
        )
        parts = (mel, batch.ids.to(device), batch.mask.to(device))
        vectors = self._embedded(step, *parts)
        leaves = [self.ranks.gathered(part.detach()).requires_grad_() for part in vectors[0]]
        scale = self.module.log_scale.clamp(max=_MOST).exp()
        logits = scale * leaves[0] @ leaves[1].T
        losses = contrastive(
            logits, wanted(batch.outputs, self.config.positives == "same_text").to(device)
        )
        losses.mean().backward()  # to the leaves and the temperature, alike in every process
        share = self.ranks.share(self.schedule.batch)
        # what is averaged over the processes here is meant as a sum
        gradients = [leaf.grad[share] * self.ranks.world for leaf in leaves]  # type: ignore[index]
        vectors[1](gradients)
        return by_template(losses.detach()[share], None, batch.templates, len(self.templates))

    def _embedded(
        self, step: int, mel: Tensor, ids: Tensor, mask: Tensor
    ) -> tuple[tuple[Tensor, Tensor], Callable[[Sequence[Tensor]], None]]:
        """Vectors of the share, and what takes their gradients back to the weights."""
        micro = self.config.micro or len(mel)
        if len(mel) <= micro:
            found = self.towers(mel, ids, mask)
            return found, lambda gradients: torch.autograd.backward(found, gradients)
        parts = list(zip(mel.split(micro), ids.split(micro), mask.split(micro), strict=True))

        def embed(number: int) -> tuple[Tensor, Tensor]:
            torch.manual_seed(seeded(self.seed, "part", step, self.ranks.rank, number))
            return self.towers(*parts[number])

        with torch.no_grad(), kept_statistics(self.module):
            once = [embed(number) for number in range(len(parts))]

        def back(gradients: Sequence[Tensor]) -> None:
            pieces = zip(*(each.split(micro) for each in gradients), strict=True)
            for number, piece in enumerate(pieces):
                with one_reduction(self.towers, last=number == len(parts) - 1):
                    torch.autograd.backward(embed(number), piece)

        audio, text = (torch.cat(each) for each in zip(*once, strict=True))
        return (audio, text), back

    @torch.no_grad()
    def validate(self) -> tuple[Tensor, list[dict[str, Any]]]:
        """The loss on held-out pairs, in batches of their own; no answers."""
        self.module.eval()
        sums = torch.zeros(2, device=self.ranks.device)
        mine = self.reads.validation[self.ranks.rank :: self.ranks.world]
        for first in range(0, len(mine), _VALIDATION):
            rows = mine[first : first + _VALIDATION]
            batch = self._batch(rows, self.reads.output_of(rows))
            ids, mask = batch.ids.to(self.ranks.device), batch.mask.to(self.ranks.device)
            audio, text = self.towers(self.sounds.mels(batch.read), ids, mask)
            targets = wanted(batch.outputs, same_text=True).to(self.ranks.device)
            losses = contrastive(self.module.log_scale.exp() * audio @ text.T, targets)
            sums += torch.stack([losses.sum(), losses.new_tensor(len(losses))])
        self.module.train()
        return sums, []

    def save(self, folder: Path) -> None:
        """Write the CLAP model."""
        self.module.eval().save_pretrained(folder)


def wanted(texts: Integers, same_text: bool) -> Tensor:
    """Target distribution (texts, texts): the diagonal, or shared among equal text numbers."""
    if not same_text:
        return torch.eye(len(texts))
    same = torch.from_numpy(texts[:, None] == texts[None]).float()
    return same / same.sum(1, keepdim=True)


def contrastive(logits: Tensor, targets: Tensor) -> Tensor:
    """Per pair, the mean of its cross-entropies audio to text and text to audio; (pairs,).

    `targets` is symmetric.
    """
    by_audio = F.cross_entropy(logits, targets, reduction="none")
    by_text = F.cross_entropy(logits.T, targets, reduction="none")
    return (by_audio + by_text) / 2
