"""One training: steps, checkpoints, resume. What a step does is the stage's; see `train.py`.

Every draw of a step comes from (seed, step), so that a resumed training repeats the uninterrupted
one bit for bit (CPU, one number of threads) and no generator state has to be stored.
"""

import signal
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pengi_model.checkpoints import Checkpoints
from pengi_model.progress import Progress
from pengi_model.stage import Emit, Stage, seeded

MODEL = "model"
_MOST = 1.0  # norm that gradients are clipped to; sec. 4.3 names none


@dataclass(frozen=True)
class Pace:
    """Steps between two reports, checkpoints and validations, and how far to read ahead."""

    report: int
    checkpoint: int
    keep: int = 2
    validate: int = 0
    loaders: int = 0


class Stopped(Exception):
    """SIGTERM came; the step it reached is in the checkpoint."""


class OutOfMemory(Exception):
    """A step's batch does not fit on the device."""


@dataclass
class _Sums:
    """What was lost since the last report."""

    losses: Tensor  # (2, templates)
    norm: float = 0.0
    clips: int = 0
    began: float = field(default_factory=time.monotonic)


class Loop:
    """Runs a stage in its folder from the last checkpoint to `model/`."""

    def __init__(
        self,
        stage: Stage,
        folder: Path,
        seed: int,
        pace: Pace,
        emit: Emit,
        identity: dict[str, Any],
    ) -> None:
        self.stage, self.ranks, self.folder = stage, stage.ranks, folder
        self.seed, self.pace, self.emit = seed, pace, emit
        self.checkpoints = Checkpoints(folder, identity, pace.keep)
        self.progress = Progress(folder)
        self.step = 0
        self.seconds = 0.0  # processor seconds of all sessions up to the last checkpoint
        self.sums = self._nothing()
        self.stop = False

    def run(self) -> None:
        """Train to the end and write `model/`; `Stopped` after a SIGTERM, with a checkpoint."""
        self._resume()
        previous = signal.signal(signal.SIGTERM, self._ask_to_stop)
        used = time.process_time()
        try:
            for batch in self._batches():
                told = self.one_step(batch)
                last = self.step == self.stage.steps
                if self.step % self.pace.report == 0 or last:
                    self._report()
                asked = told if self.ranks.world > 1 else self.stop
                if asked or self.step % self.pace.checkpoint == 0 or last:
                    now = time.process_time()
                    self.seconds, used = self.seconds + now - used, now
                    self._save()
                if asked and not last:
                    raise Stopped(f"stopped at step {self.step} of {self.stage.steps}")
        finally:
            signal.signal(signal.SIGTERM, previous)
        self._finish()

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self.stop = True

    def _nothing(self) -> _Sums:
        return _Sums(torch.zeros(2, len(self.stage.templates), dtype=torch.float64))

    def _batches(self) -> Iterator[Any]:
        """The batches from the present step on, read ahead by `loaders` threads."""
        steps = range(self.step, self.stage.steps)
        if not self.pace.loaders:
            yield from map(self.stage.prepare, steps)
            return
        ahead: deque[Future[Any]] = deque()
        with ThreadPoolExecutor(self.pace.loaders) as threads:
            try:
                for step in steps:
                    ahead.append(threads.submit(self.stage.prepare, step))
                    if len(ahead) > 2 * self.pace.loaders:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                threads.shutdown(cancel_futures=True)

    def one_step(self, batch: Any) -> bool:
        """One step; whether any process was asked to stop before its end."""
        stage, optimizer, rank = self.stage, self.stage.optimizer, self.ranks.rank
        torch.manual_seed(seeded(self.seed, "step", self.step, *([rank] if rank else [])))
        for group, rate in zip(optimizer.param_groups, stage.rates(self.step), strict=True):
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        try:
            sums = stage.backward(self.step, batch).double()
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(self._too_large(error)) from error
        asked = torch.tensor([float(self.stop)], device=sums.device, dtype=torch.float64)
        told = self.ranks.total(torch.cat([sums.flatten(), asked])).cpu()
        losses = told[:-1].view(2, -1)
        if not torch.isfinite(losses).all():
            raise FloatingPointError(self._not_finite())
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        norm = nn.utils.clip_grad_norm_(weights, _MOST)
        optimizer.step()
        self.sums.losses += losses
        self.sums.norm = float(norm)
        self.sums.clips += stage.clips(self.step)
        self.step += 1
        return bool(told[-1])

    def _not_finite(self) -> str:
        pairs = self.stage.pairs(self.step)
        shown = ", ".join(pairs[:8]) + (f" and {len(pairs) - 8} more" if len(pairs) > 8 else "")
        return (
            f"the loss of step {self.step} is not a finite number; its pairs here: {shown}. Look "
            "at them with `pengi trace`, or lower the learning rate and start again; the last "
            "checkpoint is intact."
        )

    def _too_large(self, error: Exception) -> str:
        share = self.stage.clips(self.step) // self.ranks.world
        return (
            f"{self.ranks.device}: a batch of {share} clips does not fit ({error}). Set `micro` to "
            f"{max(1, share // 2)} or less: the batch is then summed over passes of so many clips. "
            "The last checkpoint is intact."
        )

    def _report(self) -> None:
        totals, counts = self.sums.losses
        line: dict[str, Any] = {
            "step": self.step,
            "steps": self.stage.steps,
            "loss": round(float(totals.sum() / counts.sum()), 6),
            "lr": max(group["lr"] for group in self.stage.optimizer.param_groups),
            "gradient_norm": round(self.sums.norm, 6),
            "clips_per_s": round(self.sums.clips / (time.monotonic() - self.sums.began), 2),
        }
        if self.ranks.device.type == "cuda":
            line["gpu_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 3)
        if len(counts) > 1:
            seen = zip(self.stage.templates, totals.tolist(), counts.tolist(), strict=True)
            line |= {f"loss/{name}": round(lost / n, 6) for name, lost, n in seen if n}
        if self.ranks.first:
            self.progress.report(line)
            self.emit({"event": "step", **line})
        self.sums = self._nothing()

    def _validate(self) -> float | None:
        """The loss on held-out pairs, told with a few answers."""
        if not self.pace.validate or self.step % self.pace.validate:
            return None
        sums, answers = self.stage.validate()
        lost, count = self.ranks.total(sums.double()).tolist()
        if not count:
            return None
        if self.ranks.first:
            self.progress.report({"step": self.step, "validation_loss": round(lost / count, 6)})
            self.progress.answers(self.step, answers)
            self.emit({"event": "validation", "step": self.step, "loss": lost / count})
        return lost / count

    def _save(self) -> None:
        validation = self._validate()
        if not self.ranks.first:
            return
        state = {
            "step": self.step,
            "sums": self.sums.losses,
            "seconds": self.seconds,
            "module": _kept(self.stage),
            "optimizer": self.stage.optimizer.state_dict(),
        }
        self.checkpoints.save(self.step, state, validation)
        self.progress.ran(self.step)

    def _resume(self) -> None:
        state = self.checkpoints.newest(self.ranks.device)
        if state is None:
            if self.ranks.first:
                self.progress.clear()
            return
        self.stage.module.load_state_dict(state["module"], strict=False)
        self.stage.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.sums.losses = state["sums"].cpu()
        self.ranks.wait()  # all have read it
        if self.ranks.first:
            self.progress.resume(self.step)
            self.emit({"event": "resumed", "step": self.step, "steps": self.stage.steps})

    def _finish(self) -> None:
        if self.ranks.first:
            self.progress.table()
            self.stage.save(self.folder / MODEL)
            self.checkpoints.clear()
            cpu_s = round(self.seconds, 1)
            self.emit({"event": "done", "steps": self.stage.steps, "cpu_s": cpu_s})
        self.ranks.wait()


def _kept(stage: Stage) -> dict[str, Tensor]:
    """What training changes: the optimizer's weights and all buffers; parents hold the rest."""
    trained = {id(weight) for group in stage.optimizer.param_groups for weight in group["params"]}
    frozen = {
        name
        for name, weight in stage.module.named_parameters(remove_duplicate=False)
        if id(weight) not in trained
    }
    return {name: value for name, value in stage.module.state_dict().items() if name not in frozen}
