"""Training order: a bijection, its inverse, and golden values that pin recorded trainings."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from pengi_model import order

sizes = st.integers(1, 5000)
seeds = st.integers(0, 2**63 - 1)


@given(sizes, seeds, st.integers(0, 1000))
def test_every_position_once_an_epoch(n: int, seed: int, epoch: int):
    assert sorted(order.positions(n, seed, epoch, np.arange(n)).tolist()) == list(range(n))


@given(st.integers(1, 2**40), seeds, st.integers(0, 1000), st.data())
def test_inverse(n: int, seed: int, epoch: int, data: st.DataObject):
    index = np.array(data.draw(st.lists(st.integers(0, n - 1), max_size=20)), dtype=np.int64)
    found = order.positions(n, seed, epoch, index)
    assert order.indices(n, seed, epoch, found).tolist() == index.tolist()


@given(sizes, seeds, st.integers(0, 20_000), st.integers(0, 300), st.integers(0, 300))
def test_samples_do_not_depend_on_how_they_are_cut(n: int, seed: int, first: int, a: int, b: int):
    cut = [order.samples(n, seed, first, a), order.samples(n, seed, first + a, b)]
    assert np.concatenate(cut).tolist() == order.samples(n, seed, first, a + b).tolist()


def test_epochs_and_seeds_differ_and_look_shuffled():
    n = 1000
    orders = [order.positions(n, seed, epoch, np.arange(n)) for seed in (0, 1) for epoch in (0, 1)]
    for one, two in itertools.pairwise(orders):
        assert abs(np.corrcoef(one, two)[0, 1]) < 0.15
    for one in orders:
        assert abs(np.corrcoef(one, np.arange(n))[0, 1]) < 0.15


@pytest.mark.parametrize("n", [997, 4096, 1_000_003])
def test_batches_are_drawn_evenly_from_all_pairs(n: int):
    """Where the first batches of many epochs and seeds come from, in 50 parts of the positions."""
    orders = [(seed, epoch) for seed in range(20) for epoch in range(20)]
    first = np.concatenate([order.positions(n, *which, np.arange(64)) for which in orders])
    assert chisquare(np.histogram(first, 50, (0, n))[0], _expected(n, len(first))).pvalue > 1e-3


def _expected(n: int, count: int) -> np.ndarray[Any, Any]:
    return np.histogram(np.arange(n), 50, (0, n))[0] * (count / n)


def test_a_pairs_place_says_nothing_about_the_next_epoch():
    """Independence of two epochs, and of neighbours in one: 8 x 8 tables."""
    n = 20_000
    one, two = (order.indices(n, 3, epoch, np.arange(n)) * 8 // n for epoch in (0, 1))
    for left, right in ((one, two), (one[:-1], one[1:])):
        table = np.histogram2d(left, right, 8)[0]
        assert chi2_contingency(table).pvalue > 1e-3


def test_golden_order():
    """Steps recorded with an older version must stay explainable: the literals may not change."""
    assert order.positions(10, 7, 3, np.arange(10)).tolist() == GOLDEN
    assert order.positions(204_000_000, 1, 0, [0, 1, 203_999_999]).tolist() == LARGE


def test_outside_is_refused():
    with pytest.raises(ValueError, match=r"\[0, 5\)"):
        order.positions(5, 0, 0, [5])


GOLDEN = [7, 9, 1, 2, 3, 4, 5, 0, 8, 6]
LARGE = [149197128, 102394081, 200860581]
