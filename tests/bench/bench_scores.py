"""Intervals of every cell of the tables at the real sizes of the test sets, 10,000 resamples each.

The answers are made up, the sizes are the paper's. The yardstick is scikit-learn called once per
resample: one call per benchmark is timed, and 10,000 for every cell are reckoned.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, f1_score

from contest import Result, processor_seconds, scaled
from flows.steps.bootstrap import DRAWS, interval
from flows.steps.captions import statistics
from flows.steps.metrics import Statistic, f1, mean, mean_average_precision, value

LIMIT = 20.0  # s
# benchmark -> clips, classes and how many cells it fills, counting every number once: runs of
# Tables 3, 13, 14 and 15, prompts of Table 11, probes of Table 9
ACCURACIES = {
    "esc50": (2000, 50, 11),
    "us8k": (8732, 10, 7),
    "tut2017": (1620, 15, 8),
    "gtzan_music_speech": (128, 2, 7),
    "gtzan_genres": (1000, 10, 11),
    "beijing_opera": (236, 4, 11),
    "nsynth_instrument": (4096, 11, 5),
    "nsynth_pitch": (4096, 128, 5),
    "nsynth_velocity": (4096, 5, 5),
    "crema_d": (7442, 6, 9),
    "ravdess": (2452, 8, 9),
    "vocal_sound": (3591, 6, 7),
    "sesa": (585, 4, 7),
    "clothoaqa": (1109, 2, 3),
}
RANKINGS = {
    "fsd50k": (10_231, 200, 11),
    "audioset": (20_371, 527, 3),
    "esc50_actions": (400, 10, 7),
    "nsynth_qualities": (4096, 10, 5),
}
CAPTIONS = {"audiocaps_cap": (975, 4), "clotho_cap": (1045, 4)}
DCASE = (1103, 17, 7)
RECALLS = {"clotho_t2a": (1045, 5, 3), "audiocaps_t2a": (975, 5, 2), "clotho_a2t": (1045, 1, 1)}
RECALLS |= {"audiocaps_a2t": (975, 1, 2)}


@dataclass(frozen=True)
class Cell:
    """How our interval is made, and one resample as scikit-learn makes it."""

    make: Callable[[], Statistic]
    clips: list[str]
    once: Callable[[], object]


def benchmarks() -> Iterator[list[Cell]]:
    """The cells of each benchmark (of captions, of each metric), alike but for their answers."""
    random = np.random.default_rng(0)
    for clips, classes, times in ACCURACIES.values():
        yield [_accuracy(random, scaled(clips, 20), classes) for _ in range(times)]
    for clips, classes, times in RANKINGS.values():
        yield [_ranking(random, scaled(clips, 20), classes) for _ in range(times)]
    clips, classes, times = DCASE
    yield [_f1(random, scaled(clips, 20), classes) for _ in range(times)]
    for clips, each, times in RECALLS.values():
        yield [_recall(random, scaled(clips, 20), each) for _ in range(times)]
    for clips, times in CAPTIONS.values():
        runs = [_captions(random, scaled(clips, 20)) for _ in range(times)]
        yield from map(list, zip(*runs, strict=True))


def _accuracy(random: np.random.Generator, clips: int, classes: int) -> Cell:
    truth, said = random.integers(0, classes, (2, clips))
    said[: clips // 2] = truth[: clips // 2]
    return Cell(lambda: mean(truth == said), _names(clips), lambda: accuracy_score(truth, said))


def _ranking(random: np.random.Generator, clips: int, classes: int) -> Cell:
    truth = random.random((clips, classes)) < 2 / classes
    truth[:classes] |= np.eye(clips, classes, dtype=bool)[:classes]
    scores = truth * 0.7 + random.normal(size=truth.shape)
    there = truth.any(axis=0)
    return Cell(
        lambda: mean_average_precision(truth, scores),
        _names(clips),
        lambda: average_precision_score(truth[:, there], scores[:, there], average="macro"),
    )


def _f1(random: np.random.Generator, clips: int, classes: int) -> Cell:
    truth = random.random((clips, classes)) < 2 / classes
    said = np.eye(classes, dtype=bool)[random.integers(0, classes, clips)]
    return Cell(
        lambda: f1(truth, said, "micro"),
        _names(clips),
        lambda: f1_score(truth, said, average="micro", zero_division=0),
    )


def _recall(random: np.random.Generator, clips: int, each: int) -> Cell:
    hits = random.random(clips * each)  # chances, where answers are alike
    return Cell(lambda: mean(hits), _names(clips) * each, lambda: np.mean(hits))


def _captions(random: np.random.Generator, clips: int) -> list[Cell]:
    """Nine metrics; METEOR and SPICE have a number per clip too, as ROUGE-L here."""
    words = [f"w{n}" for n in range(200)]
    said = [list(random.choice(words, 9)) for _ in range(clips)]
    references = [[list(random.choice(words, 10)) for _ in range(5)] for _ in range(clips)]
    found = statistics(said, references)
    kinds = [*found.values(), *[found["ROUGE-L"]] * 3]
    return [
        Cell(partial(_same, kind), _names(clips), partial(value, kind, clips)) for kind in kinds
    ]


def _same(kind: Statistic) -> Statistic:
    return kind


def _names(clips: int) -> list[str]:
    return [f"{clip:032x}" for clip in range(clips)]


def benches() -> Iterator[Result]:
    made = list(benchmarks())
    cells = [cell for alike in made for cell in alike]
    began = time.perf_counter()
    ours = processor_seconds(lambda: [interval(cell.make(), cell.clips) for cell in cells])
    wall = time.perf_counter() - began
    once = sum(len(alike) * processor_seconds(alike[0].once) for alike in made)
    how = f"{len(cells)} cells, {DRAWS} resamples, {wall:.1f} s of wall time; theirs is reckoned"
    yield Result("intervals of all cells", ours, DRAWS * once, how, at_most=LIMIT)
