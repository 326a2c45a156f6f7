"""Wrong answers of text matching, counted by kind: what App. G of the paper shows by example.

The paper names errors of text matching beside errors of hearing, without a rule. Ours sorts every
wrong answer into the first kind that fits, by what it says alone:

empty     nothing was said
matching  the true label stands in it, as whole words, and yet another label is nearer
several   labels of several events stand in it, none of them true
label     one label stands in it, another one than the true: the sound was taken for that
related   it shares a word with the true label (a broader, narrower or like sound)
other     none of these: words that name no label

The shares of all kinds and the accuracy add up to one.
"""

import re
from collections.abc import Sequence

import numpy as np

from flows.steps.matching import named
from flows.steps.metrics import Bools

KINDS = ("empty", "matching", "several", "label", "related", "other")
_WORD = re.compile(r"\w+")
_SLIGHT = frozenset({"a", "an", "and", "in", "is", "of", "on", "or", "other", "sound", "the"})


def kind(output: str, truth: str, labels: Sequence[str]) -> str:
    """The kind of the wrong answer `output`; all texts cleaned, `truth` one of `labels`."""
    if not output:
        return "empty"
    said = [label for label, there in zip(labels, named(output, labels), strict=True) if there]
    if truth in said:
        return "matching"
    if said:
        within = [a for a in said if not any(a != b and a in b for b in said)]
        return "several" if len(within) > 1 else "label"
    return "related" if _words(output) & _words(truth) else "other"


def counted(
    outputs: Sequence[str], truths: Sequence[int], labels: Sequence[str], hits: Bools
) -> dict[str, Bools]:
    """Kind -> which answers are wrong in this way, (items,)."""
    kinds = np.asarray(
        [
            "" if hit else kind(output, labels[truth], labels)
            for output, truth, hit in zip(outputs, truths, hits, strict=True)
        ]
    )
    return {name: kinds == name for name in KINDS}


def _words(text: str) -> set[str]:
    """Words that carry meaning, without a plural's s."""
    return {word.removesuffix("s") for word in _WORD.findall(text)} - _SLIGHT
