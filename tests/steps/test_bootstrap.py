"""Intervals against resampling item by item with scikit-learn, and against known laws."""

from math import sqrt

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from flows.steps import metrics
from flows.steps.bootstrap import DRAWS, drawn, interval
from flows.steps.metrics import f1, mean, mean_average_precision, mean_of_folds, value


def names(count: int) -> list[str]:
    return [f"{i:04d}" for i in range(count)]


def by_hand(clips: int, metric, draws: int = 400) -> np.ndarray:
    """`metric` of the items drawn, again and again."""
    random = np.random.default_rng(7)
    return np.asarray([metric(random.integers(0, clips, clips)) for _ in range(draws)])


def ranking(clips: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    truth = random.random((clips, classes)) < 0.2
    truth[: 2 * classes] |= np.tile(np.eye(classes, dtype=bool), (2, 1))
    return truth, (truth + random.normal(size=truth.shape)).round(1)


@pytest.mark.slow
@pytest.mark.parametrize("exact", [10**9, 0])
def test_map_is_drawn_as_scikit_learn_would(exact: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands and by its first-order expansion: the same value and about the same spread."""
    monkeypatch.setattr(metrics, "_EXACT", exact)
    truth, scores = ranking(300, 5)
    ours = mean_average_precision(truth, scores)
    assert value(ours, 300) == pytest.approx(average_precision_score(truth, scores))
    theirs = by_hand(300, lambda drawn: average_precision_score(truth[drawn], scores[drawn]))
    assert drawn(ours, names(300)).std() == pytest.approx(theirs.std(), rel=0.1)
    low, high = interval(ours, names(300))
    half = 1.96 * theirs.std()
    assert (value(ours, 300) - low, high - value(ours, 300)) == (
        pytest.approx(half, rel=0.15),
        pytest.approx(half, rel=0.15),
    )


def test_f1_is_drawn_as_scikit_learn_would() -> None:
    truth, scores = ranking(300, 5)
    said = scores > 0.8
    ours = drawn(f1(truth, said, "macro"), names(300))
    theirs = by_hand(300, lambda d: f1_score(truth[d], said[d], average="macro", zero_division=0))
    assert ours.mean() == pytest.approx(theirs.mean(), abs=4 * theirs.std() / sqrt(len(theirs)))
    assert ours.std() == pytest.approx(theirs.std(), rel=0.1)


def test_kinds_and_single_clips_are_drawn_alike() -> None:
    """Hits make two kinds of clips; a speck on each value makes every clip its own."""
    hits = np.arange(500) < 120
    by_kind = drawn(mean(hits), names(500))
    by_clip = drawn(mean(hits + np.arange(500) * 1e-9), names(500))
    assert len(by_kind) == len(by_clip) == DRAWS
    for draws in (by_kind, by_clip):
        assert draws.mean() == pytest.approx(0.24, abs=0.001)
        assert draws.std() == pytest.approx(sqrt(0.24 * 0.76 / 500), rel=0.03)


def test_a_mean_over_folds_weighs_folds_alike() -> None:
    hits = [True, True, False, False, False, False]
    folds = ["a", "a", "b", "b", "b", "b"]
    assert value(mean_of_folds(hits, folds), 6) == 0.5
    assert value(mean(hits), 6) == pytest.approx(1 / 3)


def test_where_no_draw_has_a_value_there_is_no_interval() -> None:
    low, high = interval(mean([float("nan")] * 3), names(3))
    assert np.isnan(low) and np.isnan(high)
