"""Recall at k under ties, against simulation, scikit-learn and hand-worked rankings."""

from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score

import scored_lake as s
from flows.steps.retrieval import expected_hits
from flows.steps.scores import score, texts_needed


def by_every_order(scores: list[int], relevant: list[bool], k: int) -> float:
    """Share of the orders of ties in which a relevant thing is among the first k."""
    places = range(len(scores))
    hits = []
    for order in permutations(places):
        ranked = sorted(order, key=lambda place: -scores[place])  # stable: ties as `order` has them
        hits.append(any(relevant[place] for place in ranked[:k]))
    return float(np.mean(hits))


@given(st.data())
def test_a_hit_is_its_share_of_all_orders_of_the_ties(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 5))
    scores = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    relevant = data.draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(any))
    k = data.draw(st.integers(1, n))
    (found,) = expected_hits(np.asarray([scores], float), np.asarray([relevant]), k)
    assert found == pytest.approx(by_every_order(scores, relevant, k))


def test_without_ties_it_is_top_k_accuracy() -> None:
    scores = np.random.default_rng(0).standard_normal((40, 12))
    truth = np.arange(40) % 12
    for k in (1, 5, 10):
        found = expected_hits(scores, np.eye(12, dtype=bool)[truth], k).mean()
        expected = top_k_accuracy_score(truth, scores, k=k, labels=np.arange(12))
        assert found == pytest.approx(expected)


def captions(*lines: tuple[int, str]) -> pa.Table:
    return s.rows([{"clip_id": f"c{clip}", "caption": text} for clip, text in lines])


VECTORS = {"dog": [1, 0, 0], "a dog": [0.9, 0.1, 0], "rain": [0, 1, 0], "it rains": [0, 0.9, 0.1]}


@pytest.mark.parametrize(
    ("scoring", "expected", "n", "chance"),
    [
        # both clips were called "dog": each of the four captions finds the right one half the time
        ("text_to_audio", 0.5, 4, 0.5),
        # clip 0 finds its own "dog" first, clip 1 finds a caption of clip 0; 2 of 4 are right
        ("audio_to_text", 0.5, 2, 0.5),
    ],
)
def test_clips_of_one_name(scoring: str, expected: float, n: int, chance: float) -> None:
    benchmark = s.benchmark(scoring=scoring, truth="caption", metric="R@1")
    rows = captions((0, "Dog."), (0, "a dog"), (1, "rain"), (1, "it rains"))
    answers = s.answers("b", ["dog", "dog"])
    needed = texts_needed(benchmark, ["dog", "dog"], rows["caption"].to_pylist())
    assert needed == sorted(VECTORS)
    found = s.lines(score(s.run(), benchmark, rows, answers, s.texts(VECTORS)))
    assert found["R@1"]["value"] == expected
    assert found["R@1"]["headline"]
    assert found["R@1"]["n"] == n
    assert found["R@1"]["chance"] == pytest.approx(chance)
    assert found["R@5"]["value"] == found["R@10"]["value"] == 1.0


def test_an_empty_answer_ranks_last() -> None:
    benchmark = s.benchmark(scoring="text_to_audio", truth="caption", metric="R@1")
    rows = captions((0, "dog"), (1, "rain"))
    table = score(s.run(), benchmark, rows, s.answers("b", ["", "rain"]), s.texts(VECTORS))
    found = s.lines(table)
    assert (found["R@1"]["value"], found["empty"]["value"]) == (0.5, 0.5)
