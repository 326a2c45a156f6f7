"""What a training is to the loop that runs it, and what the three stages share."""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pengi_model.ranks import Ranks

Emit = Callable[[dict[str, Any]], None]


class Stage(Protocol):
    """What the loop needs of a training: its model, optimizer, plan, and how a step is made."""

    steps: int
    ranks: Ranks

    @property
    def module(self) -> nn.Module:
        """The model in training."""
        ...

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Over the weights that are trained."""
        ...

    @property
    def templates(self) -> Sequence[str]:
        """Names of the columns of `backward`."""
        ...

    def order(self) -> dict[str, Any]:
        """What `order.samples` needs to say which pairs a step saw; empty where no pair is read."""
        ...

    def pairs(self, step: int) -> list[str]:
        """Ids of the pairs that this process reads at a step, for messages."""
        ...

    def rates(self, step: int) -> list[float]:
        """Learning rate of each optimizer group at this step."""
        ...

    def clips(self, step: int) -> int:
        """Samples in this step's batch, all processes together."""
        ...

    def prepare(self, step: int) -> Any:
        """Read this process's share of a step's batch; in any thread, no random state used."""
        ...

    def backward(self, step: int, batch: Any) -> Tensor:
        """Add the gradients of the step's mean loss; (2, templates) sums of loss and of its count.

        The sums are this process's, the gradients those of all processes' samples.
        """
        ...

    def validate(self) -> tuple[Tensor, list[dict[str, Any]]]:
        """Sums (2,) of loss and count on this process's held-out pairs, and a few answers."""
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
