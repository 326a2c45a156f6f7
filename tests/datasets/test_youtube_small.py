"""AudioSet, AudioCaps and DCASE 2017 Task 4 in small: shared videos, sounds of the road."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from flows import datasets
from flows.datasets import with_choices
from flows.mini import audioset, traffic
from flows.mini.vocabulary import Clip
from flows.steps.archives import RawTree
from flows.steps.decode import DecodeError, decode
from schemas import Row
from small_copy import SmallCopy


def _videos(rows: Iterable[Row]) -> set[str]:
    return {origin for row in rows for origin in row.origin_ids}


def test_dcase_scored_set_in_small(mini: Callable[[str], SmallCopy]) -> None:
    copy = mini("dcase2017_task4")
    file = datasets.load("dcase2017_task4")
    for scored, counts in (
        ("evaluation", {"validation": 13, "test": 46}),
        ("testing", {"validation": 46, "test": 13}),
        ("both", {"test": 59}),
    ):
        chosen = with_choices(file.dataset, {"scored": scored}).choices
        lines = file.rows(RawTree(copy.raw.sources, choices=chosen))
        assert Counter(line.split for line in lines if isinstance(line, Row)) == counts


def test_the_table_of_classes_is_the_publishers() -> None:
    table = audioset.tree()["class_labels_indices.csv"]
    assert isinstance(table, bytes)
    assert hashlib.md5(table).hexdigest() == "68c0b5c199d6cc789852b144cc3ab500"


def test_leaks_show_in_small(mini: Callable[[str], SmallCopy]) -> None:
    sounds, captions, dcase = map(mini, ("audioset", "audiocaps", "dcase2017_task4"))

    def common(a: SmallCopy, a_split: str, b: SmallCopy, b_split: str) -> int:
        rows = [[row for row in c.rows if row.split == s] for c, s in ((a, a_split), (b, b_split))]
        return len(_videos(rows[0]) & _videos(rows[1]))

    assert common(captions, "test", sounds, "unbalanced_train") == 10
    assert common(dcase, "test", sounds, "unbalanced_train") == 8
    assert common(dcase, "test", sounds, "balanced_train") == 4
    assert common(dcase, "test", sounds, "eval") == 17
    assert common(dcase, "test", captions, "train") == 4
    assert common(sounds, "eval", captions, "train") == 0
    shared = sorted({row.clip for row in dcase.rows} & {row.clip for row in sounds.rows})[0]
    (ours,), (theirs,) = dcase.raw.stream({shared}), sounds.raw.stream({shared})
    assert ours.data == theirs.data


@pytest.mark.slow
def test_a_classical_classifier_hears_the_road(mini: Callable[[str], SmallCopy]) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    rows = {row.clip: row for row in mini("dcase2017_task4").rows}
    known = [
        Clip("youtube", f"take {take} of {kind.noun}", "train", (kind,), 1.8)
        for kind in traffic.KINDS
        for take in range(6)
    ]
    names = [audioset.events(clip)[0] for clip in known]
    heard = [_bands(clip.samples()) for clip in known]
    classifier = make_pipeline(StandardScaler(), SVC(C=10)).fit(heard, names)
    hits: list[bool] = []
    for member in mini("dcase2017_task4").raw.stream(rows):
        try:
            samples = decode(member.data, member.name).samples / 32768
        except DecodeError:
            continue
        (said,) = classifier.predict([_bands(samples)])
        hits.append(said in (rows[member.name].events or ()))
    assert len(hits) == 57
    assert np.mean(hits) > 0.8


def _bands(samples: np.ndarray) -> np.ndarray:
    """Mean and spread of 64 logarithmic bands, and of their changes, whatever the level."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::512]
    power = np.abs(np.fft.rfft(frames * np.hanning(1024))) ** 2
    edges = np.unique(np.geomspace(1, 330, 65).astype(int))
    levels = 10 * np.log10(np.add.reduceat(power, edges, axis=1) + 1e-6)
    levels -= levels.mean()
    return np.concatenate([levels.mean(0), levels.std(0), np.diff(levels, axis=0).std(0)])
