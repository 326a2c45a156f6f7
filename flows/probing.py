"""Table 9: probes on the frozen audio encoder of a run, before its projection; folds as in HEAR.

A probe is tested on one fold, stopped by the next and trained on the rest. ESC-50, CREMA-D and
RAVDESS bring their folds as splits (for the last two actors take turns), FSD50K its train and
validation clips; GTZAN's and Beijing Opera's clips are dealt, label by label.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import torch
from torch import Tensor

from flows.answering import Answering, Line, best
from flows.hearing import EvaluationError
from flows.steps.benchmarks import benchmark_rows
from flows.steps.lake import sha256_text
from flows.steps.release import Ingested
from pengi_model.probe import Examples, Fold, ProbeSettings, probed
from schemas import Benchmark

LAYERS = (1, 2, 3)
DEALT = {"beijing_opera": 5, "gtzan_genres": 10}  # folds of hear-preprocess, dealt by us
FIXED = {"fsd50k": ("train", "val")}  # splits to train on and to stop by
SEED = 0
_WINDOWS = "mean over consecutive windows"


class _Clips(NamedTuple):
    """Clips of a benchmark with their targets (clips, labels), and the fold of each."""

    ids: list[str]
    rows: list[str]
    targets: Tensor
    folds: list[str]


def probes(
    answering: Answering, benchmark: Benchmark, versions: Ingested, rows: pa.Table
) -> Iterator[Line]:
    """One line for every tested clip and depth, with the probe's logits as candidates."""
    kept = FIXED.get(benchmark.name, ())
    wanted = benchmark.model_copy(update={"splits": kept})
    more = benchmark_rows(answering.lake, wanted, versions) if kept else rows.slice(0, 0)
    both = pa.concat_tables([rows, more])
    heard = answering.heard.features(versions, both, "consecutive")
    clips = _clips(benchmark, both)
    features = torch.stack([heard[clip] for clip in clips.ids])
    tests = _turns(benchmark, clips)
    folds = [_fold(features, clips.targets, turn) for turn in tests]
    labels = list(benchmark.labels.values())
    multilabel = benchmark.scoring == "multilabel"
    for layers in LAYERS:
        logits = probed(folds, ProbeSettings(layers), multilabel, SEED)
        for (_, _, test), scores in zip(tests, logits, strict=True):
            for place, each in zip(test, scores, strict=True):
                line = {"clip_id": clips.ids[place], "row_id": clips.rows[place]}
                yield line | {"prompt": f"L{layers}", "window": _WINDOWS} | best(labels, each)
        answering.progress(f"evaluate {benchmark.name}: probes", layers, len(LAYERS))


def _clips(benchmark: Benchmark, rows: pa.Table) -> _Clips:
    """Clips in the order of their ids; one that is annotated twice is taken once."""
    place = {label: number for number, label in enumerate(benchmark.labels)}
    found: dict[str, dict[str, Any]] = {}
    for row in rows.to_pylist():
        if row["clip_id"] is not None:
            found.setdefault(row["clip_id"], row)
    if not found:
        raise EvaluationError(f"{benchmark.name}: no clip to train a probe on.")
    ordered = [found[clip] for clip in sorted(found)]
    targets = torch.zeros(len(ordered), len(place))
    for number, row in enumerate(ordered):
        truth = row[benchmark.truth]
        for label in truth if isinstance(truth, list) else [truth]:
            targets[number, place[label]] = 1.0
    folds = [row["split"] for row in ordered]
    if benchmark.name in DEALT:
        folds = _dealt(sorted(found), targets, DEALT[benchmark.name])
    return _Clips(sorted(found), [row["row_id"] for row in ordered], targets, folds)


def _dealt(clips: Sequence[str], targets: Tensor, count: int) -> list[str]:
    """Folds in which every label is as frequent as can be; the order is a hash of the clip."""
    order = sorted(range(len(clips)), key=lambda n: (int(targets[n].argmax()), _hash(clips[n])))
    folds = [""] * len(clips)
    for turn, number in enumerate(order):
        folds[number] = f"fold{turn % count + 1}"
    return folds


def _hash(clip: str) -> str:
    return sha256_text("probe-folds-1", clip)


def _turns(benchmark: Benchmark, clips: _Clips) -> list[tuple[list[int], list[int], list[int]]]:
    """(train, validation, test) of every turn, as places of clips."""
    by_fold: dict[str, list[int]] = {}
    for number, fold in enumerate(clips.folds):
        by_fold.setdefault(fold, []).append(number)
    if kept := FIXED.get(benchmark.name):
        tested = [number for split in benchmark.splits for number in by_fold.get(split, [])]
        turns = [(by_fold.get(kept[0], []), by_fold.get(kept[1], []), tested)]
    else:
        names = sorted(by_fold, key=lambda name: (len(name), name))
        turns = [_turn(by_fold, names, number) for number in range(len(names))]
    for train, validation, _ in turns:
        classes = int((clips.targets[train].sum(0) > 0).sum()) if train else 0
        if classes < 2 or not validation:
            raise EvaluationError(
                f"{benchmark.name}: a probe needs clips of two labels to train on and others to "
                f"stop by, found {classes} label(s) in {len(train)} clips, and {len(validation)} "
                "to stop by. Ingest more of its splits."
            )
    return turns


def _turn(
    by_fold: dict[str, list[int]], names: list[str], number: int
) -> tuple[list[int], list[int], list[int]]:
    """Test on one fold, stop by the next one, train on the rest."""
    test, validation = names[number], names[(number + 1) % len(names)]
    rest = [name for name in names if name not in (test, validation)]
    return sorted(n for name in rest for n in by_fold[name]), by_fold[validation], by_fold[test]


def _fold(features: Tensor, targets: Tensor, turn: tuple[list[int], list[int], list[int]]) -> Fold:
    train, validation, test = turn
    shown = [Examples(features[part], targets[part]) for part in (train, validation)]
    return Fold(shown[0], shown[1], features[test])
