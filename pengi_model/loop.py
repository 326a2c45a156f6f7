"""One training: steps, checkpoint, resume. What a step does is the stage's; see `train.py`.

Every draw of a step comes from (seed, step), so that a resumed training repeats the uninterrupted
one bit for bit (CPU, one number of threads) and no generator state has to be stored.
"""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

CHECKPOINT = "checkpoint.pt"
STEPS = "steps.jsonl"
METRICS = "metrics.jsonl"
MODEL = "model"

Emit = Callable[[dict[str, Any]], None]


class Stage(Protocol):
    """What the loop needs of a training: its model, optimizer, plan and the loss of one step."""

    steps: int

    @property
    def module(self) -> nn.Module:
        """The model in training."""
        ...

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Over the weights that are trained."""
        ...

    def order(self) -> dict[str, Any]:
        """What `order.samples` needs to say which pairs a step saw; empty where no pair is read."""
        ...

    def rates(self, step: int) -> list[float]:
        """Learning rate of each optimizer group at this step."""
        ...

    def loss(self, step: int) -> Tensor:
        """Scalar loss of this step's batch."""
        ...

    def clips(self, step: int) -> int:
        """Samples in this step's batch."""
        ...

    def save(self, folder: Path) -> None:
        """Write the trained model into the new `folder`, which appears only when complete."""
        ...


def seeded(seed: int, *parts: object) -> int:
    """A 63-bit seed for one purpose, e.g. `seeded(7, "crop", step)`."""
    text = " ".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def plan(first: int, stop: int, batch: int, first_sample: int) -> dict[str, int]:
    """Steps [first, stop) read `batch` samples each, from `first_sample` of `order.samples` on."""
    return {"first": first, "stop": stop, "batch": batch, "first_sample": first_sample}


def adamw(*parts: Sequence[nn.Module], decay: float) -> torch.optim.AdamW:
    """AdamW with two groups for each of `parts`: matrices with weight decay, the rest without."""
    groups = []
    for modules in parts:
        weights = [weight for module in modules for weight in module.parameters()]
        groups.append({"params": [w for w in weights if w.ndim > 1], "weight_decay": decay})
        groups.append({"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=0.0)


def counting(emit: Emit, what: str) -> Callable[[int, int], None]:
    """A count of a preparation that emits at most one line a second, and the last."""
    shown = time.monotonic()

    def count(done: int, total: int) -> None:
        nonlocal shown
        if done == total or time.monotonic() - shown > 1:
            shown = time.monotonic()
            emit({"event": "preparing", "what": what, "done": done, "total": total})

    return count


class Stopped(Exception):
    """SIGTERM came; the step it reached is in the checkpoint."""


class Loop:
    """Runs a stage in its folder from the last checkpoint to `model/`."""

    def __init__(
        self, stage: Stage, folder: Path, seed: int, report: int, checkpoint: int, emit: Emit
    ) -> None:
        self.stage, self.folder, self.seed, self.emit = stage, folder, seed, emit
        self.report, self.checkpoint = report, checkpoint
        self.step, self.recorded = 0, 0
        self.losses: list[float] = []
        self.seconds = 0.0  # processor seconds of all sessions up to the last checkpoint
        self.stop = False

    def run(self) -> None:
        """Train to the end and write `model/`; `Stopped` after a SIGTERM, with a checkpoint."""
        self._resume()
        previous = signal.signal(signal.SIGTERM, self._ask_to_stop)
        began, clips = time.monotonic(), 0
        used = time.process_time()
        try:
            while self.step < self.stage.steps:
                clips += self._one_step()
                if self.step % self.report == 0 or self.step == self.stage.steps:
                    spent = time.monotonic() - began
                    self._report(clips / spent)
                    began, clips = time.monotonic(), 0
                if self.stop or self.step % self.checkpoint == 0 or self.step == self.stage.steps:
                    now = time.process_time()
                    self.seconds, used = self.seconds + now - used, now
                    self._save()
                if self.stop and self.step < self.stage.steps:
                    raise Stopped(f"stopped at step {self.step} of {self.stage.steps}")
        finally:
            signal.signal(signal.SIGTERM, previous)
        self._finish()

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self.stop = True

    def _one_step(self) -> int:
        stage, optimizer = self.stage, self.stage.optimizer
        torch.manual_seed(seeded(self.seed, "step", self.step))
        for group, rate in zip(optimizer.param_groups, stage.rates(self.step), strict=True):
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        loss = stage.loss(self.step)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"loss is {loss.item()} at step {self.step}, expected a finite number; "
                "lower the learning rate and start again"
            )
        loss.backward()
        trained = [weight for group in optimizer.param_groups for weight in group["params"]]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        self.losses.append(loss.item())
        self.step += 1
        return stage.clips(self.step - 1)

    def _report(self, clips_per_second: float) -> None:
        line = {
            "step": self.step,
            "steps": self.stage.steps,
            "loss": round(sum(self.losses) / len(self.losses), 6),
            "lr": max(group["lr"] for group in self.stage.optimizer.param_groups),
        }
        self.losses = []
        _append(self.folder / METRICS, line)
        self.emit({"event": "step", **line, "clips_per_s": round(clips_per_second, 2)})

    def _save(self) -> None:
        state = {
            "step": self.step,
            "losses": self.losses,
            "seconds": self.seconds,
            "module": _kept(self.stage),
            "optimizer": self.stage.optimizer.state_dict(),
        }
        part = self.folder / f"{CHECKPOINT}.tmp"
        torch.save(state, part)
        part.replace(self.folder / CHECKPOINT)
        self._record()

    def _record(self) -> None:
        """Note the steps whose effect is in the checkpoint; steps lost to a kill are not."""
        if self.step > self.recorded:
            _append(self.folder / STEPS, {"first": self.recorded, "stop": self.step})
            self.recorded = self.step

    def _resume(self) -> None:
        if not (path := self.folder / CHECKPOINT).exists():
            for name in (STEPS, METRICS):
                (self.folder / name).unlink(missing_ok=True)
            return
        state = torch.load(path, weights_only=True)
        self.stage.module.load_state_dict(state["module"], strict=False)
        self.stage.optimizer.load_state_dict(state["optimizer"])
        self.step, self.losses, self.seconds = state["step"], state["losses"], state["seconds"]
        ran = read_lines(self.folder / STEPS)
        _rewrite(self.folder / STEPS, ran)
        self.recorded = ran[-1]["stop"] if ran else 0
        self._record()
        lines = [line for line in read_lines(self.folder / METRICS) if line["step"] <= self.step]
        _rewrite(self.folder / METRICS, lines)
        self.emit({"event": "resumed", "step": self.step, "steps": self.stage.steps})

    def _finish(self) -> None:
        self.stage.save(self.folder / MODEL)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
        self.emit({"event": "done", "steps": self.stage.steps, "cpu_s": round(self.seconds, 1)})


def _kept(stage: Stage) -> dict[str, Tensor]:
    """What training changes: the optimizer's weights and all buffers; parents hold the rest."""
    trained = {id(weight) for group in stage.optimizer.param_groups for weight in group["params"]}
    frozen = {
        name
        for name, weight in stage.module.named_parameters(remove_duplicate=False)
        if id(weight) not in trained
    }
    return {name: value for name, value in stage.module.state_dict().items() if name not in frozen}


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file; a last line cut by a kill is left out, a missing file has none."""
    if not path.exists():
        return []
    return [
        json.loads(line) for line in path.read_text().splitlines(keepends=True) if line[-1] == "\n"
    ]


def _append(path: Path, line: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _rewrite(path: Path, lines: list[dict[str, Any]]) -> None:
    part = path.with_suffix(".tmp")
    part.write_text("".join(json.dumps(line) + "\n" for line in lines))
    part.replace(path)
