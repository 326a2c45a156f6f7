"""A training step of Pengi, SMALL, end to end on a CPU, against the step without any saving.

Both start from the same weights, see the same windows, draw the same dropout and take the same
steps: that their losses agree is asserted here.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contest import Contest, scaled
from pengi_model import ranks, stage
from pengi_model.encoders import Clap
from pengi_model.joining import joined
from pengi_model.language_stage import Language
from pengi_model.loop import Loop, Pace
from pengi_model.pengi_stage import PengiStage, mapped
from pengi_model.settings import SIZES, GenerativeSettings, Schedule
from trainable import parents, world

BATCH = scaled(32, least=4)
STEPS = 1000
SEED = 1
SETTINGS = GenerativeSettings(
    size="small",
    warmup=Schedule(steps=0, batch=BATCH, rate=1e-3),
    passes=0,
    schedule=Schedule(steps=STEPS, batch=BATCH, rate=1e-3, warmup=10),
    audio_rate=1e-4,
)


class Plain:
    """Gradients of all weights; sounds and texts read, transformed and encoded at every step."""

    def __init__(self, ours: PengiStage, folders: dict[str, str]) -> None:
        self.reads, self.rates = ours.reads, ours.rates
        torch.manual_seed(stage.seeded(SEED, "weights"))
        clap = Clap.from_pretrained(folders["clap"])
        language = Language.from_pretrained(folders["language_model"])
        self.model = joined(clap, language).eval()
        self.model.audio_encoder.train()
        audio = [self.model.audio_encoder]
        self.optimizer = stage.adamw(mapped(self.model, False), audio, decay=0.0)
        self.trained = [w for group in self.optimizer.param_groups for w in group["params"]]
        self.step = 0
        self.losses: list[float] = []

    def take(self) -> None:
        """One step, written as the paper's eq. 3 says it."""
        rows, waves, model = self._rows(), self.reads.waves, self.model
        size = model.config.samples
        clips = self.reads.clip_of(rows)
        samples = np.stack([waves.windows([clip], size)[0] for clip in clips]) / np.float32(32768)
        prompt = model.prompt_ids([self.reads.inputs[i] for i in self.reads.input_of(rows)])
        caption = model.caption_ids([self.reads.outputs[i] for i in self.reads.output_of(rows)])
        torch.manual_seed(stage.seeded(SEED, "step", self.step))
        for group, rate in zip(self.optimizer.param_groups, self.rates(self.step), strict=True):
            group["lr"] = rate
        model.zero_grad()
        loss = model(torch.from_numpy(samples), prompt, caption)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.losses.append(loss.item())
        self.step += 1

    def _rows(self) -> np.ndarray[Any, Any]:
        from pengi_model import order

        places = order.samples(len(self.reads), SEED, self.step * BATCH, BATCH)
        return self.reads.rows[places]


def quiet(event: dict[str, Any]) -> None:
    """Show nothing."""


def benches() -> Iterator[Contest]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        size = SIZES[SETTINGS.size]
        reads = world(folder / "data", clips=4 * BATCH, seconds=size.window_seconds)
        folders = parents(folder, reads, size)
        ours = PengiStage(SETTINGS, reads, folders, SEED, quiet, ranks.Ranks())
        theirs = Plain(ours, folders)
        losses: list[float] = []
        loop = Loop(ours, folder, SEED, Pace(report=STEPS, checkpoint=STEPS), quiet, {})

        def take() -> None:
            before = loop.sums.losses.clone()
            loop.one_step(ours.prepare(loop.step))
            lost, count = (loop.sums.losses - before).sum(1).tolist()
            losses.append(lost / count)

        yield Contest(
            f"training step of {BATCH} clips, {SETTINGS.size}, end to end",
            ours=take,
            theirs=theirs.take,
            how="theirs: all gradients, prompts and log-mels made at every step; same losses",
            at_least=1.5,
        )
        np.testing.assert_allclose(losses, theirs.losses, rtol=1e-3)
