"""The metrics of one benchmark asked with one prompt, the one of the paper's cell first.

Text matching, multi-label ranking and parsed fields (sec. 4.2; Table 2 names the metrics).
"""

from collections.abc import Callable

import numpy as np

from flows.steps.asked import Asked, Measure, empty, most_common, no_number, share
from flows.steps.captioned import captioned
from flows.steps.matching import Space, cleaned, named, note, parts
from flows.steps.metrics import (
    Bools,
    Floats,
    chance_of_ranking,
    f1,
    mean_average_precision,
    mean_of_folds,
)
from flows.steps.mistakes import counted
from flows.steps.questions import answered
from flows.steps.retrieval import audio_to_text, text_to_audio


def measures(asked: Asked) -> list[Measure]:
    """All metrics of what was asked, the benchmark's own metric first."""
    return _SCORING[asked.benchmark.scoring](asked)


def _top_1(metric: str, asked: Asked, scores: Floats, valid: Bools | bool = True) -> list[Measure]:
    """Accuracy of the best scored label; of folds also the mean over them."""
    if (fault := no_number(metric, asked, scores)) is not None:
        return [fault]
    truth = asked.truth_ids()
    hits = (scores.argmax(axis=1) == truth) & valid
    chance = most_common(truth.tolist())
    found = [share(metric, asked.items, hits, chance)]
    if asked.benchmark.splits[1:] and all(s.startswith("fold") for s in asked.benchmark.splits):
        over = mean_of_folds(hits, [item.row["split"] for item in asked.items])
        found.append(Measure(f"{metric}_of_folds", asked.clips, over, chance))
    return found


def _match(asked: Asked) -> list[Measure]:
    if asked.ranked:
        return _top_1("accuracy", asked, asked.candidates())
    outputs, truth = asked.outputs, asked.truth_ids()
    filled = np.asarray([bool(output) for output in outputs])
    found: list[Measure] = []
    for suffix, space in asked.text_spaces():
        scores = space.cosines(outputs, asked.labels)
        found += _top_1(f"accuracy{suffix}", asked, scores, filled)
    texts = [cleaned(label) for label in asked.labels]
    exact = [texts[t] == o for t, o in zip(truth, outputs, strict=True)]
    found.append(share("exact", asked.items, exact))
    found.append(share("valid", asked.items, [output in texts for output in outputs]))
    return [*found, empty(asked), *_mistakes(asked, texts)]


def _mistakes(asked: Asked, labels: list[str]) -> list[Measure]:
    """The shares of each kind of wrong answer in the headline's text space."""
    scores = asked.text_spaces()[0][1].cosines(asked.outputs, asked.labels)
    truth = asked.truth_ids()
    filled = np.asarray([bool(output) for output in asked.outputs])
    hits = (scores.argmax(axis=1) == truth) & filled
    kinds = counted(asked.outputs, truth.tolist(), labels, hits)
    return [share(f"error/{kind}", asked.items, each) for kind, each in kinds.items()]


def _multilabel(asked: Asked) -> list[Measure]:
    if asked.ranked:
        return _ranked(asked, "", asked.candidates())
    outputs, labels = asked.outputs, asked.labels
    found: list[Measure] = []
    for suffix, space in asked.text_spaces():
        found += _ranked(asked, suffix, space.cosines(outputs, labels))
    found += _ranked(asked, "_parts", _best_part(asked, asked.spaces["pengi"]))[:1]
    texts = np.asarray([cleaned(label) for label in labels])
    said = [set(parts(item.answer)) for item in asked.items]
    true = [set(texts[row]) for row in asked.truth_matrix()]
    exact = [words == row for words, row in zip(said, true, strict=True)]
    valid = [bool(words) and words <= set(texts) for words in said]
    found += [share("exact", asked.items, exact), share("valid", asked.items, valid)]
    return [*found, empty(asked)]


def _best_part(asked: Asked, space: Space) -> Floats:
    """The highest cosine over the comma-separated parts of every output: (items, labels)."""
    split = [parts(item.answer) or [""] for item in asked.items]
    scores = space.cosines([part for piece in split for part in piece], asked.labels)
    starts = np.cumsum([0] + [len(piece) for piece in split[:-1]])
    return np.maximum.reduceat(scores, starts, axis=0)


def _ranked(asked: Asked, suffix: str, scores: Floats) -> list[Measure]:
    """mAP (or F1 of the top label) of scores (items, labels), and mAP of row-wise z-scores."""
    metric = asked.benchmark.metric
    if (fault := no_number(f"{metric}{suffix}", asked, scores)) is not None:
        return [fault]
    truth, clips = asked.truth_matrix(), asked.clips
    if metric == "F1":
        top = np.eye(truth.shape[1], dtype=bool)[scores.argmax(axis=1)]
        chance = _constant_f1(truth)
        macro = Measure(f"F1_macro{suffix}", clips, f1(truth, top, "macro"))
        return [Measure(f"F1{suffix}", clips, f1(truth, top, "micro"), chance), macro]
    chance = chance_of_ranking(truth, scores)
    spread = scores.std(axis=1, keepdims=True)
    z = (scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    found = [
        Measure(f"mAP{suffix}", clips, mean_average_precision(truth, scores), chance),
        Measure(f"mAP{suffix}_zscore", clips, mean_average_precision(truth, z), chance),
    ]
    if (truth.sum(axis=1) == 1).all():
        found += _top_1(f"accuracy{suffix}", asked, scores)
    return found


def _constant_f1(truth: Bools) -> float:
    """Micro F1 of naming the most frequent label for every item."""
    return float(2 * truth.sum(axis=0).max() / (len(truth) + truth.sum()))


def _field(asked: Asked) -> list[Measure]:
    if asked.benchmark.metric == "mAP":
        return _qualities(asked)
    if asked.ranked:
        return _top_1("accuracy", asked, asked.candidates())
    if asked.benchmark.truth == "instrument":
        return [*_instrument(asked), empty(asked)]
    return [*_number(asked), empty(asked)]


def _instrument(asked: Asked) -> list[Measure]:
    """The parsed instrument where it is a label, else text matching of what was said."""
    said = [first_part(output) for output in asked.outputs]
    words = [_word("instrument", text) for text in said]
    labels = [_word("instrument", label) for label in asked.labels]
    known = np.asarray([word in labels for word in words])
    parsed = np.asarray([[word == label for label in labels] for word in words], dtype=np.float64)
    filled = np.asarray([bool(text) for text in said])
    found: list[Measure] = []
    for suffix, space in asked.text_spaces():
        scores = np.where(known[:, None], parsed, space.cosines(said, asked.labels))
        found += _top_1(f"accuracy{suffix}", asked, scores, filled)
    found += _top_1("exact", asked, parsed, known)
    return [*found, share("parsed", asked.items, known)]


def first_part(output: str) -> str:
    """An answer up to its first comma, where a note's answer names the instrument."""
    return cleaned(output.split(",")[0])


def _word(field: str, text: str) -> str:
    """What a label or an answer says of a field: "produced by bass" and "bass" both say bass."""
    text = cleaned(text).replace("_", " ")
    return note(text).get(field, text)


def _number(asked: Asked) -> list[Measure]:
    """Pitch must be hit exactly; velocity is the nearest of the benchmark's few values."""
    field = asked.benchmark.truth
    truth = [int(asked.truths(item)[0]) for item in asked.items]
    said = [int(text) if (text := note(o).get(field)) else None for o in asked.outputs]
    if field == "velocity":
        values = sorted({int(label) for label in asked.benchmark.labels} or set(truth))
        said = [None if v is None else min(values, key=lambda x: (abs(x - v), x)) for v in said]
    hits = [s == t for s, t in zip(said, truth, strict=True)]
    found = [share("accuracy", asked.items, hits, most_common(truth))]
    if field == "pitch":
        chroma = [s is not None and s % 12 == t % 12 for s, t in zip(said, truth, strict=True)]
        chance = most_common([t % 12 for t in truth])
        found.append(share("accuracy_chroma", asked.items, chroma, chance))
    return [*found, share("parsed", asked.items, [s is not None for s in said])]


def _qualities(asked: Asked) -> list[Measure]:
    truth = asked.truth_matrix()
    if asked.ranked:
        scores = asked.candidates()
    else:
        labels = [_word("qualities", label) for label in asked.labels]
        said = [note(output.replace("_", " ")).get("qualities", "") for output in asked.outputs]
        scores = np.asarray([named(text, labels) for text in said], dtype=np.float64)
    if (fault := no_number("mAP", asked, scores)) is not None:
        return [fault]
    chance = chance_of_ranking(truth, scores)
    found = Measure("mAP", asked.clips, mean_average_precision(truth, scores), chance)
    return [found] if asked.ranked else [found, empty(asked)]


_SCORING: dict[str, Callable[[Asked], list[Measure]]] = {
    "match": _match,
    "multilabel": _multilabel,
    "field": _field,
    "answer": answered,
    "caption": captioned,
    "text_to_audio": text_to_audio,
    "audio_to_text": audio_to_text,
}
