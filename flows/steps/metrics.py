"""Metrics and their intervals (Table 2 of the paper names which task has which).

A statistic is a function of item weights, so that one definition serves the value (all weights
one) and the bootstrap.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Statistic = Callable[[Floats], Floats]  # weights (draws, items) -> value (draws,)

DRAWS = 1000  # bootstrap resamples of the clips
_BLOCK = 100  # resamples held at once
_NOISE = 4.0  # standard errors of the mean draw that are no bias yet
_DEALS = 20  # shuffles that a random ranking is averaged over
_SEED = 20230519


def mean(values: Sequence[float] | Floats | Bools) -> Statistic:
    """Weighted mean of one value per item; of hits it is the accuracy."""
    each = np.asarray(values, dtype=np.float64)

    def statistic(weights: Floats) -> Floats:
        return weights @ each / weights.sum(axis=1)

    return statistic


def mean_average_precision(truth: Bools, scores: Floats) -> Statistic:
    """Macro mAP of `truth` and `scores`, both (items, classes).

    Equal scores are one threshold, as in scikit-learn's average_precision_score; a class without
    a positive item (of non-zero weight) takes no part in the mean.
    """
    with_positives = [c for c in range(truth.shape[1]) if truth[:, c].any()]
    classes = [_average_precision(truth[:, c], scores[:, c]) for c in with_positives]

    def statistic(weights: Floats) -> Floats:
        values = np.stack([average_precision(weights) for average_precision in classes])
        drawn = ~np.isnan(values)
        with np.errstate(invalid="ignore"):  # a draw without any positive has no value
            return np.where(drawn, values, 0.0).sum(axis=0) / drawn.sum(axis=0)

    return statistic


def _average_precision(truth: Bools, scores: Floats) -> Statistic:
    order = np.argsort(-scores, kind="stable")
    positives = order[truth[order]]  # by falling score
    # The place of the last item whose score equals the positive's.
    ends = np.searchsorted(-scores[order], -scores[positives], side="right") - 1
    last = np.append(np.flatnonzero(np.diff(ends)), len(ends) - 1)  # last positive of each tie

    def statistic(weights: Floats) -> Floats:
        retrieved = np.cumsum(weights[:, order], axis=1)[:, ends[last]]
        hits = np.cumsum(weights[:, positives], axis=1)[:, last]
        gained = np.diff(hits, prepend=0.0, axis=1)
        with np.errstate(invalid="ignore"):  # 0/0 where a tie, or a class, drew no item
            precision = np.where(retrieved > 0, hits / retrieved, 0.0)
            return (gained * precision).sum(axis=1) / hits[:, -1]

    return statistic


def chance_of_ranking(truth: Bools, scores: Floats) -> float:
    """Macro mAP of the same scores dealt to other items, but at least that of a constant score.

    A constant score has the mean prevalence of the classes. With few positives a random ranking
    does better than that, so the mean of some seeded shuffles is the fairer chance.
    """
    shares = truth.mean(axis=0)
    random = np.random.default_rng(_SEED)
    deals = [random.permutation(len(truth)) for _ in range(_DEALS)]
    dealt = [value(mean_average_precision(truth, scores[deal]), len(truth)) for deal in deals]
    return max(float(np.mean(dealt)), float(shares[shares > 0].mean()))


def f1(truth: Bools, predicted: Bools, average: str) -> Statistic:
    """F1 of `truth` and `predicted`, both (items, classes); average "micro" or "macro".

    A class with neither a positive nor a prediction counts 0, as scikit-learn's zero_division=0.
    """

    def statistic(weights: Floats) -> Floats:
        both = weights @ (truth & predicted).astype(np.float64)
        either = weights @ (truth.astype(np.float64) + predicted.astype(np.float64))
        if average == "micro":
            both, either = both.sum(axis=1, keepdims=True), either.sum(axis=1, keepdims=True)
        return (2 * both / np.where(either > 0, either, 1.0)).mean(axis=1)

    return statistic


def value(statistic: Statistic, items: int) -> float:
    """The statistic with every one of `items` items counted once."""
    return float(statistic(np.ones((1, items)))[0])


def interval(statistic: Statistic, clips: Sequence[str]) -> tuple[float, float]:
    """95 % bootstrap interval over clips; `clips` names the clip of every item.

    All items of a clip are drawn together. Drawing a clip twice favours mAP (a positive then stands
    beside its copy), so the percentiles are moved by the bias of the draws where it is beyond their
    noise. The seed is fixed: same items, same interval.
    """
    names, clip = np.unique(np.asarray(clips), return_inverse=True)
    random = np.random.default_rng(_SEED)
    even = np.full(len(names), 1 / len(names))
    blocks = [
        statistic(random.multinomial(len(names), even, size=_BLOCK)[:, clip].astype(np.float64))
        for _ in range(DRAWS // _BLOCK)
    ]
    draws = np.concatenate(blocks)
    draws = draws[~np.isnan(draws)]
    bias = float(draws.mean()) - value(statistic, len(clip))
    if abs(bias) < _NOISE * draws.std() / np.sqrt(len(draws)):
        bias = 0.0
    low, high = np.quantile(draws, [0.025, 0.975]) - bias
    return max(float(low), 0.0), float(high)
