"""Stage `pengi`: captioning loss through a frozen language model (sec. 3.2, eq. 3).

Begins with the mapping networks alone on cached audio vectors (a warm-up the paper does not have:
at this size, end to end from the start does not speak), then trains them with the audio encoder.
Text tower and language model stay frozen. Which parts there are is the variant's (`joining`).
"""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pengi_model import order
from pengi_model.augment import augmented
from pengi_model.encoders import Clap
from pengi_model.joining import joined
from pengi_model.language_stage import Language
from pengi_model.model import Pengi
from pengi_model.prompts import Prompts
from pengi_model.ranks import Ranks
from pengi_model.reads import Integers, Reads
from pengi_model.settings import GenerativeSettings
from pengi_model.sharing import by_template, one_reduction, parallel
from pengi_model.sounds import Sounds
from pengi_model.stage import Emit, adamw, counting, plan, seeded
from pengi_model.table import TokenTable

_CACHE_BATCH = 16  # clips
_VALIDATION = 64  # pairs at a time
_ANSWERS = 4  # samples shown at a validation


class Teller(nn.Module):
    """What a step trains: log-mels or audio vectors, prompts and captions -> loss per sample."""

    def __init__(self, model: Pengi, prompts: Prompts, encodes: bool, bfloat16: bool) -> None:
        super().__init__()
        self.model, self.prompts = model, prompts
        self.encodes, self.narrow = encodes, bfloat16

    def audio_vectors(self, mel: Tensor) -> Tensor:
        """(batch, projection) in float32; on a CPU only the audio encoder gains from bfloat16."""
        encoder = self.model.audio_encoder
        with torch.autocast(mel.device.type, torch.bfloat16, enabled=self.narrow):
            return encoder.projection(encoder.mel_features(mel)).float()

    def forward(
        self, sound: Tensor, inputs: Tensor, ids: Tensor, mask: Tensor, heard: bool
    ) -> Tensor:
        """Sum over the caption's tokens (batch,); `sound` is audio vectors if `heard`."""
        if not heard:
            with torch.set_grad_enabled(self.encodes and torch.is_grad_enabled()):
                sound = self.audio_vectors(sound)
        half = self.narrow and sound.is_cuda
        with torch.autocast(sound.device.type, torch.bfloat16, enabled=half):
            prefix = self.model.prefix_from(sound, self.prompts(inputs))
            return -(self.model.token_log_probs(prefix, ids) * mask).sum(1)


@dataclass(frozen=True)
class Batch:
    """This process's share of a step."""

    sound: Tensor  # what Sounds.read gave, or audio vectors
    heard: bool
    inputs: Tensor  # numbers of the prompts
    ids: Tensor
    mask: Tensor
    templates: Integers
    tokens: int  # of all processes' captions


class PengiStage:
    """Trains the mapping networks and, after the warm-up, the audio encoder."""

    def __init__(
        self,
        config: GenerativeSettings,
        spec: dict[str, Any],
        parents: dict[str, str],
        seed: int,
        emit: Emit,
        ranks: Ranks,
    ) -> None:
        self.config, self.seed, self.emit, self.ranks = config, seed, emit, ranks
        self.reads = Reads(spec, config.templates, config.held_out)
        self.templates = self.reads.templates
        self.schedule = config.schedule.over(len(self.reads))
        self.warmup = config.warmup.steps
        self.steps = self.warmup + self.schedule.steps
        torch.manual_seed(seeded(seed, "weights"))
        clap = Clap.from_pretrained(parents["clap"])
        language = Language.from_pretrained(parents["language_model"])
        self.module = model = joined(clap, language, config.variant).eval()
        self.sounds = Sounds(
            self.reads.waves,
            model.audio_encoder.log_mel,
            model.config.samples,
            config.keep_mels,
            counting(emit, "log-mels"),
        )
        self.captions = TokenTable(self.reads.outputs, model.caption_ids, model.config.language.pad)
        model.to(ranks.device).requires_grad_(False)
        encodes = config.audio_rate > 0
        mapping = mapped(model, config.train_text_projection)
        for part in [*mapping, model.audio_encoder] if encodes else mapping:
            part.requires_grad_(True)
        prompts = Prompts(model, self.reads.inputs, config.train_text_projection)
        self.teller = Teller(model, prompts, encodes, config.bfloat16)
        if config.compile:
            self.teller.compile()
        self.shared = parallel(self.teller, ranks, unused=self.warmup > 0)
        self.optimizer = adamw(mapping, [model.audio_encoder], decay=self.schedule.decay)
        self.cache: Tensor | None = None
        self.lock = Lock()

    def rates(self, step: int) -> list[float]:
        """Mapping networks (two groups), then audio encoder (two groups)."""
        if step < self.warmup:
            return [self.config.warmup.at(step)] * 2 + [0.0] * 2
        mapping = self.schedule.at(step - self.warmup)
        audio = mapping * self.config.audio_rate / self.schedule.rate
        return [mapping] * 2 + [audio] * 2

    def clips(self, step: int) -> int:
        """Samples of a batch."""
        return (self.config.warmup if step < self.warmup else self.schedule).batch

    def order(self) -> dict[str, Any]:
        """Which samples of the order each range of steps reads."""
        warm, rest = self.config.warmup, self.schedule
        ranges = [
            plan(0, self.warmup, warm.batch, 0),
            plan(self.warmup, self.steps, rest.batch, self.warmup * warm.batch),
        ]
        return self.reads.order([line for line in ranges if line["first"] < line["stop"]])

    def pairs(self, step: int) -> list[str]:
        """Ids of the pairs of this process's share."""
        return self.reads.pair_ids(self._rows(step)[self.ranks.share(self.clips(step))])

    def _rows(self, step: int) -> Integers:
        first, batch = self.first_sample(step), self.clips(step)
        return self.reads.rows[order.samples(len(self.reads), self.seed, first, batch)]

    def first_sample(self, step: int) -> int:
        """Samples of all steps before this one."""
        warm = min(step, self.warmup) * self.config.warmup.batch
        return warm + max(0, step - self.warmup) * self.schedule.batch

    def prepare(self, step: int) -> Batch:
        """Sounds and texts of this process's share."""
        whole, share = self._rows(step), self.ranks.share(self.clips(step))
        clips = self.reads.clip_of(whole)
        tokens = int(self.captions.lengths[self.reads.output_of(whole)].sum())
        if step >= self.warmup:
            crops = np.random.default_rng(seeded(self.seed, "crop", step)).random(len(whole))
            return self._batch(whole[share], self.sounds.read(clips[share], crops[share]), tokens)
        with self.lock:
            if self.cache is None:
                self.cache = self._cached()
        draw = np.random.default_rng(seeded(self.seed, "pass", step))
        turns = draw.integers(len(self.cache), size=len(whole))
        vectors = self.cache[turns[share], clips[share]]
        return self._batch(whole[share], vectors, tokens, heard=True)

    def _batch(self, rows: Integers, sound: Tensor, tokens: int, heard: bool = False) -> Batch:
        ids, mask = self.captions.batch(self.reads.output_of(rows))
        inputs = torch.from_numpy(self.reads.input_of(rows))
        templates = self.reads.template_of(rows)
        return Batch(sound, heard, inputs, ids, mask, templates, tokens)

    def backward(self, step: int, batch: Batch) -> Tensor:
        """Cross-entropy of the output texts, mean over the tokens of all processes' captions."""
        if step >= self.warmup:
            self.cache = None
            self.module.audio_encoder.train(self.config.audio_rate > 0)
        sound = batch.sound if batch.heard else self._mels(batch.sound, "step", step)
        micro = self.config.micro or len(sound)
        parts = [part.split(micro) for part in (sound, batch.inputs, batch.ids, batch.mask)]
        scale = self.ranks.world / batch.tokens  # what is averaged over processes is meant as a sum
        losses: list[Tensor] = []
        for number, part in enumerate(zip(*parts, strict=True)):
            moved = [value.to(self.ranks.device, non_blocking=True) for value in part]
            with one_reduction(self.shared, last=number == len(parts[0]) - 1):
                lost = self.shared(*moved, batch.heard)
                (lost.sum() * scale).backward()
            losses.append(lost.detach())
        counts = batch.mask.sum(1).to(self.ranks.device, losses[0].dtype)
        return by_template(torch.cat(losses), counts, batch.templates, len(self.templates))

    def _mels(self, read: Tensor, *what: object) -> Tensor:
        """Standardised log-mels, changed by the draws of `what`."""
        seed = seeded(self.seed, "augment", *what, *([self.ranks.rank] if self.ranks.rank else []))
        draw = torch.Generator().manual_seed(seed)
        std = self.sounds.log_mel.std.item()
        return augmented(self.sounds.mels(read), self.config.augment, std, draw)

    @torch.no_grad()
    def _cached(self) -> Tensor:
        """Audio vectors (1 + passes, clips, projection) of the frozen encoder; pass 0 is clean."""
        self.module.audio_encoder.eval()
        count = counting(self.emit, "audio vectors")
        every = np.arange(len(self.sounds))
        blocks = np.array_split(every, max(1, len(every) // _CACHE_BATCH))
        rows = []
        for turn in range(1 + self.config.passes):
            found = []
            for number, block in enumerate(blocks):
                draw = np.random.default_rng(seeded(self.seed, "crop", "pass", turn, number))
                read = self.sounds.read(block, draw.random(len(block)) if turn else None)
                mel = self._mels(read, "pass", turn, number) if turn else self.sounds.mels(read)
                found.append(self.teller.audio_vectors(mel))
                count(turn * len(blocks) + number + 1, (1 + self.config.passes) * len(blocks))
            rows.append(torch.cat(found))
        return torch.stack(rows)

    @torch.no_grad()
    def validate(self) -> tuple[Tensor, list[dict[str, Any]]]:
        """The loss on held-out pairs, and what the model says to a few of them."""
        self.module.eval()
        sums = torch.zeros(2, device=self.ranks.device)
        mine = self.reads.validation[self.ranks.rank :: self.ranks.world]
        for first in range(0, len(mine), _VALIDATION):
            batch = self._held_out(mine[first : first + _VALIDATION])
            moved = [x.to(self.ranks.device) for x in (batch.inputs, batch.ids, batch.mask)]
            lost = self.teller(self.sounds.mels(batch.sound), *moved, False)
            sums += torch.stack([lost.sum(), moved[2].sum().to(lost.dtype)])
        answers = self._answers(mine[:_ANSWERS]) if self.ranks.first and len(mine) else []
        return sums, answers

    def _held_out(self, rows: Integers) -> Batch:
        return self._batch(rows, self.sounds.read(self.reads.clip_of(rows)), 0)

    def _answers(self, rows: Integers) -> list[dict[str, Any]]:
        batch = self._held_out(rows)
        vectors = self.teller.audio_vectors(self.sounds.mels(batch.sound))
        prompts = self.teller.prompts(batch.inputs.to(self.ranks.device))
        found = self.module.generate_after(self.module.prefix_from(vectors, prompts))
        reads = self.reads
        texts = zip(
            reads.pair_ids(rows), reads.input_of(rows), reads.output_of(rows), found, strict=True
        )
        return [
            {
                "pair_id": pair,
                "prompt": reads.inputs[given],
                "target": reads.outputs[written],
                "answer": answer.text,
            }
            for pair, given, written, answer in texts
        ]

    def save(self, folder: Path) -> None:
        """Write the Pengi model."""
        self.module.eval().save_pretrained(folder)


def mapped(model: Pengi, text_projection: bool) -> list[nn.Module]:
    """The mapping networks that there are, and what follows the text tower where it is trained."""
    found: list[nn.Module] = [model.audio_mapping]
    if model.text_mapping is not None:
        found.append(model.text_mapping)
    if text_projection and model.text_encoder is not None:
        found += [model.text_encoder.clip_projection, model.text_encoder.projection]
    return found
