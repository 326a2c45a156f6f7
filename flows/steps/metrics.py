"""Metrics (Table 2 of the paper names which task has which), ready to be resampled.

A statistic is a function of the weighted sums of a few numbers per item, so that one definition
serves the value (all weights one) and the bootstrap, which sums over the clips it drew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_DEALS = 20  # shuffles that a random ranking is averaged over
_SEED = 20230519
_EXACT = 40_000  # items times thresholds up to which a ranking is drawn again as it stands


@dataclass(frozen=True)
class Statistic:
    """What `of` makes of the sums (draws, k) of `features` (items, k): a value per draw."""

    features: Floats
    of: Callable[[Floats], Floats]

    def __call__(self, weights: Floats) -> Floats:
        """Values (draws,) for weights (draws, items)."""
        return self.of(weights @ self.features)


def mean(values: Sequence[float] | Floats | Bools) -> Statistic:
    """Weighted mean of one value per item; of hits it is the accuracy."""
    each = np.asarray(values, dtype=np.float64)
    return Statistic(np.stack([each, np.ones(len(each))], axis=1), _ratio)


def mean_of_folds(values: Sequence[float] | Floats | Bools, folds: Sequence[str]) -> Statistic:
    """Mean over folds of the mean of each: of ten unequal folds not the mean of all items."""
    _, fold = np.unique(np.asarray(folds), return_inverse=True)
    own = np.eye(fold.max() + 1)[fold]
    each = np.asarray(values, dtype=np.float64)[:, None] * own
    count = own.shape[1]

    def of(sums: Floats) -> Floats:
        hits, sizes = sums[:, :count], sums[:, count:]
        drawn = sizes > 0
        shares = np.where(drawn, hits / np.where(drawn, sizes, 1.0), 0.0)
        return shares.sum(axis=1) / drawn.sum(axis=1)

    return Statistic(np.concatenate([each, own], axis=1), of)


def mean_average_precision(truth: Bools, scores: Floats) -> Statistic:
    """Macro mAP of `truth` and `scores`, both (items, classes).

    Equal scores are one threshold, as in scikit-learn's average_precision_score; a class without
    a positive item (of non-zero weight) takes no part in the mean. Beyond _EXACT items times
    thresholds it is the first-order expansion around its value, which resamples alike.
    """
    classes = np.flatnonzero(truth.any(axis=0))
    hits = [np.unique(scores[truth[:, c], c])[::-1] for c in classes]  # falling
    if len(truth) * sum(map(len, hits)) > _EXACT:
        columns = zip(truth.T[classes], scores.T[classes], strict=True)
        values, slopes = zip(*(_average_precision(*column) for column in columns), strict=True)
        return mean(np.mean(values) + len(truth) * np.mean(slopes, axis=0))
    class_of = np.repeat(classes, [len(each) for each in hits])
    above = scores[:, class_of] >= np.concatenate([*hits, np.zeros(0)])
    return Statistic(
        np.concatenate([above, above & truth[:, class_of]], axis=1).astype(np.float64),
        _macro(np.cumsum([0] + [len(each) for each in hits[:-1]])),
    )


def _macro(starts: Ints) -> Callable[[Floats], Floats]:
    """Macro mAP of sums of retrieved and of hits, each (draws, thresholds); `starts` of classes."""

    def of(sums: Floats) -> Floats:
        retrieved, hits = np.split(sums, 2, axis=1)
        gained = np.diff(hits, prepend=0.0, axis=1)
        gained[:, starts] = hits[:, starts]
        positives = np.add.reduceat(gained, starts, axis=1)
        precision = hits / np.where(retrieved > 0, retrieved, 1.0)
        found = np.add.reduceat(gained * precision, starts, axis=1)
        values = found / np.where(positives > 0, positives, 1.0)
        with np.errstate(invalid="ignore"):  # a draw without any positive has no value
            return values.sum(axis=1) / (positives > 0).sum(axis=1)

    return of


def _average_precision(truth: Bools, scores: Floats) -> tuple[float, Floats]:
    """Average precision of one class, and its derivative by the weight of each item: (items,).

    AP = sum over positives p of (H_p / R_p) / S; H, R count positives and items scored as high as p
    or higher, S all positives.
    """
    order = np.argsort(-scores)
    thresholds, own, gained = np.unique(-scores[truth], return_inverse=True, return_counts=True)
    ends = np.searchsorted(-scores[order], thresholds, side="right")  # items as high or higher
    precision = np.cumsum(gained) / ends
    below = np.cumsum((gained / ends)[::-1])[::-1]
    lost = np.cumsum((gained * precision / ends)[::-1])[::-1]
    average = float(gained @ precision / gained.sum())
    slope = np.zeros(len(truth))
    slope[order[: ends[-1]]] = -np.repeat(lost, np.diff(ends, prepend=0))
    slope[truth] += (precision + below)[own] - average
    return average, slope / gained.sum()


def chance_of_ranking(truth: Bools, scores: Floats) -> float:
    """Macro mAP of the same scores dealt to other items, but at least that of a constant score.

    A constant score has the mean prevalence of the classes. With few positives a random ranking
    does better than that, so the mean of some seeded shuffles is the fairer chance; of many items
    it is what a random ranking without ties has on average.
    """
    items, positives = len(truth), truth.sum(axis=0)
    positives = positives[positives > 0]
    if truth.size > _EXACT:
        harmonic = np.sum(1 / np.arange(1, items + 1))
        rest = (positives - 1) / (items - 1) * (items - harmonic)
        return float(np.mean(harmonic + rest) / items)
    random = np.random.default_rng(_SEED)
    deals = [random.permutation(items) for _ in range(_DEALS)]
    dealt = [value(mean_average_precision(truth, scores[deal]), items) for deal in deals]
    return max(float(np.mean(dealt)), float(positives.mean() / items))


def f1(truth: Bools, predicted: Bools, average: str) -> Statistic:
    """F1 of `truth` and `predicted`, both (items, classes); average "micro" or "macro".

    A class with neither a positive nor a prediction counts 0, as scikit-learn's zero_division=0.
    """
    both = (truth & predicted).astype(np.float64)
    either = truth.astype(np.float64) + predicted.astype(np.float64)
    if average == "micro":
        both, either = both.sum(axis=1, keepdims=True), either.sum(axis=1, keepdims=True)
    count = both.shape[1]

    def of(sums: Floats) -> Floats:
        both, either = sums[:, :count], sums[:, count:]
        return (2 * both / np.where(either > 0, either, 1.0)).mean(axis=1)

    return Statistic(np.concatenate([both, either], axis=1), of)


def value(statistic: Statistic, items: int) -> float:
    """The statistic with every one of `items` items counted once."""
    return float(statistic(np.ones((1, items)))[0])


def _ratio(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return sums[:, 0] / sums[:, 1]
