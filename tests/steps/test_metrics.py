"""Metrics against scikit-learn, intervals against the normal approximation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from flows.steps.bootstrap import interval
from flows.steps.metrics import chance_of_ranking, f1, mean, mean_average_precision, value

SIZES = st.tuples(st.integers(2, 40), st.integers(2, 5), st.integers(0, 2**32 - 1))


def drawn(size: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth with a positive in every class, scores with many ties, whole weights."""
    items, classes, seed = size
    random = np.random.default_rng(seed)
    truth = random.random((items, classes)) < 0.3
    truth[0] = True
    weights = random.integers(0, 4, items)
    weights[0] = 1
    return truth, random.integers(0, 6, (items, classes)) / 5, weights


@given(SIZES)
@settings(max_examples=60)
def test_map_is_scikit_learns_also_with_weights(size) -> None:
    truth, scores, weights = drawn(size)
    ours = mean_average_precision(truth, scores)
    expected = average_precision_score(truth, scores, average="macro")
    assert value(ours, len(truth)) == pytest.approx(expected)
    weighted = average_precision_score(truth, scores, average="macro", sample_weight=weights)
    assert ours(weights[None].astype(float))[0] == pytest.approx(weighted)


@given(SIZES, st.sampled_from(["micro", "macro"]))
@settings(max_examples=60)
def test_f1_is_scikit_learns_also_with_weights(size, average: str) -> None:
    truth, scores, weights = drawn(size)
    found = f1(truth, scores > 0.5, average)(np.stack([np.ones(len(truth)), weights]))
    for ours, sample_weight in zip(found, (None, weights), strict=True):
        expected = f1_score(
            truth, scores > 0.5, average=average, zero_division=0, sample_weight=sample_weight
        )
        assert ours == pytest.approx(expected)


def test_a_class_without_positives_takes_no_part() -> None:
    truth = np.array([[True, False], [False, False]])
    assert value(mean_average_precision(truth, np.array([[0.2, 1], [0.1, 0]])), 2) == 1.0


def test_an_accuracys_interval_is_the_normal_one() -> None:
    hits = np.arange(400) < 300
    low, high = interval(mean(hits), [str(i) for i in range(400)])
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert (low, high) == (
        pytest.approx(0.75 - half, abs=0.006),
        pytest.approx(0.75 + half, abs=0.006),
    )
    assert interval(mean(hits), [str(i) for i in range(400)]) == (low, high)


def test_items_of_one_clip_are_drawn_together() -> None:
    """Four times the same item of 100 clips says no more than 100 items."""
    hits = np.arange(100) < 50
    alone = interval(mean(hits), [str(i) for i in range(100)])
    together = interval(mean(np.repeat(hits, 4)), [str(i) for i in np.repeat(np.arange(100), 4)])
    assert together == pytest.approx(alone)


def test_noise_is_not_above_chance() -> None:
    """Random rankings with few positives: plain percentiles put all of them above prevalence."""
    random = np.random.default_rng(0)
    above = 0
    for _ in range(20):
        truth = random.random((100, 20)) < 0.07
        scores = random.normal(size=truth.shape)
        low, high = interval(mean_average_precision(truth, scores), [str(i) for i in range(100)])
        assert low < value(mean_average_precision(truth, scores), 100) < high
        above += low > chance_of_ranking(truth, scores)
    assert above <= 2


def test_chance_of_a_constant_score_is_the_prevalence() -> None:
    truth = np.array([[True], [False], [False], [False]])
    assert chance_of_ranking(truth, np.zeros((4, 1))) == 0.25
