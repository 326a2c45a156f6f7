"""Caption metrics in plain Python: BLEU, ROUGE-L, CIDEr-D, as audio papers use them.

The numbers are those of salaniz/pycocoevalcap (tylin/coco-caption): corpus BLEU with the closest
reference length, ROUGE-L with beta 1.2, CIDEr-D with sigma 6. Audio papers print CIDEr-D as CIDEr.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np

from flows.steps.metrics import Floats, Statistic, mean

Tokens = list[str]

_N = 4  # longest n-gram
_BETA = 1.2  # ROUGE-L
_SIGMA = 6.0  # CIDEr-D
_TINY, _SMALL = 1e-15, 1e-9  # BLEU, as the reference guards its divisions

# What Stanford's PTB tokenizer does to English captions, without Java. pycocoevalcap means to drop
# brackets but looks for them in upper case, so they stay words in every published number.
_SAME = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})
_CLITIC = re.compile(r"(?<=\w)(n't|'(?:s|re|ve|ll|d|m))(?!\w)|(?<=\bcan)(not\b)")
_TOKEN = re.compile(r"n't|'(?:s|re|ve|ll|d|m)(?!\w)|(?:[a-z]\.){2,}|\w+(?:[-'./&]\w+)*|[^\w\s]")
_PUNCTUATION = set("'`.?!,:;-\"")
_BRACKETS = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
}


def tokens(caption: str) -> Tokens:
    """Lower-case words of a caption, English clitics split off, punctuation dropped."""
    text = _CLITIC.sub(r" \1\2", caption.lower().translate(_SAME))
    found: list[str] = [match.group() for match in _TOKEN.finditer(text)]
    return [_BRACKETS.get(token, token) for token in found if token not in _PUNCTUATION]


def statistics(
    said: Sequence[Tokens], references: Sequence[Sequence[Tokens]]
) -> dict[str, Statistic]:
    """BLEU-1..4, ROUGE-L and CIDEr-D of one caption a clip against that clip's references."""
    counts = [_ngrams(words) for words in said]
    reference_counts = [[_ngrams(words) for words in group] for group in references]
    lengths = [
        (len(words), [len(r) for r in group]) for words, group in zip(said, references, strict=True)
    ]
    return {
        **_bleu(counts, reference_counts, lengths),
        "ROUGE-L": mean([_rouge_l(*pair) for pair in zip(said, references, strict=True)]),
        "CIDEr-D": mean(_cider_d(counts, reference_counts, lengths)),
    }


Counts = Counter[tuple[str, ...]]
Lengths = list[tuple[int, list[int]]]  # of the caption, of its references


def _ngrams(words: Tokens) -> Counts:
    return Counter(
        tuple(words[i : i + n]) for n in range(1, _N + 1) for i in range(len(words) - n + 1)
    )


def _bleu(
    counts: list[Counts], references: list[list[Counts]], lengths: Lengths
) -> dict[str, Statistic]:
    """Corpus BLEU: n-gram matches and lengths are summed over clips before the ratio is taken."""
    clips = len(counts)
    correct, guessed = np.zeros((clips, _N)), np.zeros((clips, _N))
    length, closest = np.zeros(clips), np.zeros(clips)
    for i, (count, group) in enumerate(zip(counts, references, strict=True)):
        most: Counts = Counter()
        for reference in group:
            most |= reference
        for ngram, times in (count & most).items():
            correct[i, len(ngram) - 1] += times
        said, heard = lengths[i]
        guessed[i] = [max(0, said - n) for n in range(_N)]
        length[i] = said
        closest[i] = min((abs(words - said), words) for words in heard)[1]

    features = np.concatenate([correct, guessed, length[:, None], closest[:, None]], axis=1)
    return {f"BLEU-{n}": Statistic(features, partial(_bleu_of, n)) for n in range(1, _N + 1)}


def _bleu_of(n: int, sums: Floats) -> Floats:
    correct, guessed = sums[:, :n], sums[:, _N : _N + n]
    length, closest = sums[:, 2 * _N], sums[:, 2 * _N + 1]
    precision = (correct + _TINY) / (guessed + _SMALL)
    ratio = (length + _TINY) / (closest + _SMALL)
    brevity = np.exp(np.minimum(0.0, 1 - 1 / ratio))
    return precision.prod(axis=1) ** (1 / n) * brevity


def _rouge_l(said: Tokens, references: Sequence[Tokens]) -> float:
    common = [_common(said, reference) for reference in references]
    precision = max(common) / max(len(said), 1)
    recall = max(c / max(len(r), 1) for c, r in zip(common, references, strict=True))
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _common(a: Tokens, b: Tokens) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for word in a:
        left = 0
        for j, other in enumerate(b, start=1):
            above = row[j]
            row[j] = left + 1 if word == other else max(above, row[j - 1])
            left = above
    return row[-1]


def _cider_d(counts: list[Counts], references: list[list[Counts]], lengths: Lengths) -> list[float]:
    frequency = Counter(ngram for group in references for ngram in set().union(*group))
    clips = math.log(len(references))
    scores: list[float] = []
    for count, group, (said, heard) in zip(counts, references, lengths, strict=True):
        vector, norm = _tf_idf(count, frequency, clips)
        total = 0.0
        for reference, words in zip(group, heard, strict=True):
            other, other_norm = _tf_idf(reference, frequency, clips)
            similar = [0.0] * _N
            for ngram, weight in vector.items():
                if ngram in other:
                    similar[len(ngram) - 1] += min(weight, other[ngram]) * other[ngram]
            # The reference measures length in bigrams.
            gap = max(said - 1, 0) - max(words - 1, 0)
            cosines = [
                s / (a * b) if a and b else s
                for s, a, b in zip(similar, norm, other_norm, strict=True)
            ]
            total += sum(cosines) / _N * math.exp(-(gap**2) / (2 * _SIGMA**2))
        scores.append(10 * total / len(group))
    return scores


def _tf_idf(
    counts: Counts, frequency: Counts, clips: float
) -> tuple[dict[tuple[str, ...], float], list[float]]:
    """Weights of the n-grams and the length of their vector for every n; `clips` is a logarithm."""
    vector = {
        ngram: times * (clips - math.log(max(1, frequency[ngram])))
        for ngram, times in counts.items()
    }
    squares = [0.0] * _N
    for ngram, weight in vector.items():
        squares[len(ngram) - 1] += weight**2
    return vector, [math.sqrt(square) for square in squares]
