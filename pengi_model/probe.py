"""Fully connected layers on frozen audio features (Table 9), trained as HEAR trains its probes.

Adam, a grid of rates, the batch and early stopping on the task score are those of
hearbenchmark/hear-eval-kit:heareval/predictions/task_predictions.py. The paper names nothing but
the layers and the cross-entropy, so there is no dropout and no batch norm; hidden layers are as
wide as the features.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class ProbeSettings:
    """One probe; `layers` is 1, 2 or 3."""

    layers: int
    rates: tuple[float, ...] = (3.2e-2, 1e-2, 3.2e-3, 1e-3)  # HEAR: a tenth, for more epochs
    batch: int = 1024  # clips
    epochs: int = 100  # at most; HEAR: 500
    every: int = 3  # epochs between two looks at the validation clips
    patience: int = 20  # epochs without a better score; HEAR: looks


class Examples(NamedTuple):
    """features (clips, width), targets (clips, labels) of 0 and 1; one 1 a clip: one label each."""

    features: Tensor
    targets: Tensor


class Fold(NamedTuple):
    """What one probe is trained on, stopped by and asked about."""

    train: Examples
    validation: Examples
    test: Tensor  # features (clips, width)


class _Look(NamedTuple):
    """The validation clips after some epochs; compared by score, then by lower loss."""

    score: float
    minus_loss: float


def probed(
    folds: Sequence[Fold], settings: ProbeSettings, multilabel: bool, seed: int
) -> list[Tensor]:
    """Logits (clips, labels) of every fold's test clips.

    The rate is the one that does best on the first fold's validation clips, as in HEAR.
    """
    tried = [_trained(folds[0], settings, rate, multilabel, seed) for rate in settings.rates]
    place = max(range(len(tried)), key=lambda number: tried[number][0])
    rate = settings.rates[place]
    rest = [_trained(fold, settings, rate, multilabel, seed) for fold in folds[1:]]
    return [logits for _, logits in (tried[place], *rest)]


def _trained(
    fold: Fold, settings: ProbeSettings, rate: float, multilabel: bool, seed: int
) -> tuple[_Look, Tensor]:
    """The best look at the validation clips, and the test logits of the weights of then."""
    draw = torch.Generator().manual_seed(seed)
    mean, std = fold.train.features.mean(0), fold.train.features.std(0, correction=0)
    scaled = [(x - mean) / std.clamp(min=1e-6) for x in (fold.train[0], fold.validation[0])]
    test = (fold.test - mean) / std.clamp(min=1e-6)
    net = _layers(scaled[0].shape[1], fold.train.targets.shape[1], settings.layers, draw)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate, fused=True)
    loss = F.binary_cross_entropy_with_logits if multilabel else F.cross_entropy
    found: tuple[_Look, Tensor] | None = None
    since = 0
    for epoch in range(1, settings.epochs + 1):
        for part in torch.randperm(len(scaled[0]), generator=draw).split(settings.batch):
            optimizer.zero_grad()
            loss(net(scaled[0][part]), fold.train.targets[part]).backward()
            optimizer.step()
        if epoch % settings.every and epoch != settings.epochs:
            continue
        with torch.no_grad():
            look = _look(net(scaled[1]), fold.validation.targets, loss, multilabel)
            if found is None or look > found[0]:
                found, since = (look, net(test)), epoch
        if epoch - since >= settings.patience:
            break
    assert found is not None  # the last epoch is looked at
    return found


def _layers(width: int, labels: int, layers: int, draw: torch.Generator) -> nn.Sequential:
    made: list[nn.Module] = []
    for _ in range(layers - 1):
        made += [nn.Linear(width, width), nn.ReLU()]
    net = nn.Sequential(*made, nn.Linear(width, labels))
    for part in net:
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight, generator=draw)
            nn.init.zeros_(part.bias)
    return net


def _look(
    logits: Tensor, targets: Tensor, loss: Callable[[Tensor, Tensor], Tensor], multilabel: bool
) -> _Look:
    right = logits.argmax(1) == targets.argmax(1)
    score = mean_average_precision(logits, targets) if multilabel else right.float().mean().item()
    return _Look(score, -loss(logits, targets).item())


def mean_average_precision(scores: Tensor, targets: Tensor) -> float:
    """Macro mAP over the labels that occur; scores and targets (clips, labels)."""
    ranked = targets.gather(0, scores.sort(dim=0, descending=True, stable=True).indices)
    places = torch.arange(1, len(scores) + 1)[:, None]
    precision = ranked.cumsum(0) / places * ranked
    positive = ranked.sum(0)
    each = precision.sum(0)[positive > 0] / positive[positive > 0]
    return each.mean().item() if len(each) else 0.0
