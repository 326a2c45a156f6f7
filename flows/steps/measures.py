"""The metrics of one benchmark asked with one prompt, the one of the paper's cell first.

Text matching, multi-label ranking and parsed fields (sec. 4.2; Table 2 names the metrics).
"""

from collections.abc import Callable

import numpy as np

from flows.steps.asked import Asked, Measure, empty, most_common, share
from flows.steps.captions import captioned
from flows.steps.matching import Space, cleaned, named, note, parts
from flows.steps.metrics import Bools, Floats, chance_of_ranking, f1, mean_average_precision
from flows.steps.questions import answered
from flows.steps.retrieval import audio_to_text, text_to_audio


def measures(asked: Asked) -> list[Measure]:
    """All metrics of what was asked, the benchmark's own metric first."""
    return _SCORING[asked.benchmark.scoring](asked)


def _top_1(metric: str, asked: Asked, scores: Floats, counted: Bools | bool = True) -> Measure:
    truth = asked.truth_ids()
    hits = (scores.argmax(axis=1) == truth) & counted
    return share(metric, asked.items, hits, most_common(truth.tolist()))


def _match(asked: Asked) -> list[Measure]:
    if asked.protocol == "cosine":
        return [_top_1("accuracy", asked, asked.candidates())]
    outputs, labels = asked.outputs, asked.labels
    filled = np.asarray([bool(output) for output in outputs])
    found = [
        _top_1(f"accuracy{suffix}", asked, space.cosines(outputs, labels), filled)
        for suffix, space in asked.text_spaces()
    ]
    texts = [cleaned(label) for label in labels]
    exact = [texts[t] == o for t, o in zip(asked.truth_ids(), outputs, strict=True)]
    return [*found, share("exact", asked.items, exact), empty(asked)]


def _multilabel(asked: Asked) -> list[Measure]:
    if asked.protocol == "cosine":
        return _ranked(asked, "", asked.candidates())
    outputs, labels = asked.outputs, asked.labels
    found: list[Measure] = []
    for suffix, space in asked.text_spaces():
        found += _ranked(asked, suffix, space.cosines(outputs, labels))
    scores = _best_part(asked, asked.spaces["pengi"])
    found += _ranked(asked, "_parts", scores)[:1]
    truth = asked.truth_matrix()
    texts = np.asarray([cleaned(label) for label in labels])
    exact = [
        set(parts(item.answer)) == set(texts[row])
        for item, row in zip(asked.items, truth, strict=True)
    ]
    return [*found, share("exact", asked.items, exact), empty(asked)]


def _best_part(asked: Asked, space: Space) -> Floats:
    """The highest cosine over the comma-separated parts of every output: (items, labels)."""
    split = [parts(item.answer) or [""] for item in asked.items]
    scores = space.cosines([part for piece in split for part in piece], asked.labels)
    starts = np.cumsum([0] + [len(piece) for piece in split[:-1]])
    return np.maximum.reduceat(scores, starts, axis=0)


def _ranked(asked: Asked, suffix: str, scores: Floats) -> list[Measure]:
    """mAP (or F1 of the top label) of scores (items, labels), and mAP of row-wise z-scores."""
    truth = asked.truth_matrix()
    clips = [item.clip_id for item in asked.items]
    if asked.benchmark.metric == "F1":
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
        found.append(_top_1(f"accuracy{suffix}", asked, scores))
    return found


def _constant_f1(truth: Bools) -> float:
    """Micro F1 of naming the most frequent label for every item."""
    return float(2 * truth.sum(axis=0).max() / (len(truth) + truth.sum()))


def _field(asked: Asked) -> list[Measure]:
    if asked.benchmark.metric == "mAP":
        return _qualities(asked)
    if asked.protocol == "cosine":
        return [_top_1("accuracy", asked, asked.candidates())]
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
    found = [
        _top_1(
            f"accuracy{suffix}",
            asked,
            np.where(known[:, None], parsed, space.cosines(said, asked.labels)),
            filled,
        )
        for suffix, space in asked.text_spaces()
    ]
    return [*found, _top_1("exact", asked, parsed, known)]


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
    clips = [item.clip_id for item in asked.items]
    if asked.protocol == "cosine":
        scores = asked.candidates()
    else:
        labels = [_word("qualities", label) for label in asked.labels]
        said = [note(output.replace("_", " ")).get("qualities", "") for output in asked.outputs]
        scores = np.asarray([named(text, labels) for text in said], dtype=np.float64)
    chance = chance_of_ranking(truth, scores)
    return [
        Measure("mAP", clips, mean_average_precision(truth, scores), chance),
        empty(asked),
    ]


_SCORING: dict[str, Callable[[Asked], list[Measure]]] = {
    "match": _match,
    "multilabel": _multilabel,
    "field": _field,
    "answer": answered,
    "caption": captioned,
    "text_to_audio": text_to_audio,
    "audio_to_text": audio_to_text,
}
