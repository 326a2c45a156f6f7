"""95 % intervals: 10,000 resamples of the clips, fast enough for every number of the report.

What a statistic sums is added up per clip first. Clips with the same numbers are one kind; how
often each kind is drawn is multinomial, so an accuracy costs two kinds, not all its clips. Where
nearly every clip is a kind of its own, one matrix of draws serves all statistics of that many
clips.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from flows.steps.metrics import Floats, Statistic, value

DRAWS = 10_000
_BLOCK = 500  # resamples held at once
_KINDS = 48  # kinds of clips that are cheaper to draw than to look up
_NOISE = 4.0  # standard errors of the mean draw that are no bias yet
_SEED = 20230519
_HELD = 4  # matrices of draws kept: test sets come in turns


def interval(statistic: Statistic, clips: Sequence[str]) -> tuple[float, float]:
    """95 % bootstrap interval over clips; `clips` names the clip of every item.

    All items of a clip are drawn together. Drawing a clip twice favours mAP (a positive then stands
    beside its copy), so the percentiles are moved by the bias of the draws where it is beyond their
    noise. Draws without a value (no positive among them) are left out; NaN where none has one. The
    seed is fixed: same items, same interval.
    """
    draws = drawn(statistic, clips)
    draws = draws[~np.isnan(draws)]
    if not draws.size:
        return float("nan"), float("nan")
    bias = float(draws.mean()) - value(statistic, len(clips))
    if abs(bias) < _NOISE * draws.std() / np.sqrt(len(draws)):
        bias = 0.0
    low, high = np.quantile(draws, [0.025, 0.975]) - bias
    return max(float(low), 0.0), float(high)


def drawn(statistic: Statistic, clips: Sequence[str], draws: int = DRAWS) -> Floats:
    """Values of the statistic on `draws` resamples of the clips."""
    names, clip = np.unique(np.asarray(clips), return_inverse=True)
    each = np.zeros((len(names), statistic.features.shape[1]))
    np.add.at(each, clip, statistic.features)
    kinds, counts = np.unique(each, axis=0, return_counts=True)
    if len(kinds) > _KINDS:
        whole, single = _resampled(len(names), draws), each.astype(np.float32)
        parts = [whole[start : start + _BLOCK] for start in range(0, draws, _BLOCK)]
        sums = (part.astype(np.float32) @ single for part in parts)
        return np.concatenate([statistic.of(part.astype(np.float64)) for part in sums])
    random = np.random.default_rng(_SEED)
    times = random.multinomial(len(names), counts / len(names), size=draws)
    return statistic.of(times @ kinds)


@lru_cache(_HELD)
def _resampled(clips: int, draws: int) -> npt.NDArray[np.uint8]:
    """How often each clip is in each resample, (draws, clips); above 255 times in none."""
    random = np.random.default_rng(_SEED)
    whole = np.empty((draws, clips), dtype=np.uint8)
    for draw in range(draws):
        whole[draw] = np.bincount(random.integers(0, clips, clips), minlength=clips)
    return whole
