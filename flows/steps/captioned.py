"""Captions of a benchmark: every caption metric, its chance, and what people reach.

BLEU, ROUGE-L and CIDEr-D are ours; METEOR and SPICE are Java programs and have no value, but a
reason, where they cannot run. SPIDEr is the mean of CIDEr-D and SPICE.
"""

from collections.abc import Sequence

import numpy as np

from flows.steps.asked import Asked, Item, Measure
from flows.steps.captions import Tokens, statistics, tokens
from flows.steps.meteor import JavaError, meteor
from flows.steps.meteor import statistic as meteor_of
from flows.steps.metrics import Statistic, mean, value
from flows.steps.spice import spice

_SEED = 20230519
_Said = Sequence[Tokens]
_References = Sequence[Sequence[Tokens]]


def captioned(asked: Asked) -> list[Measure]:
    """Captions against all references of a clip, SPIDEr first.

    Chance is our captions dealt to other clips. The ceiling is one reference against the others,
    the mean over which one is left out; null where a clip has but one.
    """
    by_clip: dict[str, list[Item]] = {}
    for item in asked.items:
        by_clip.setdefault(item.clip_id, []).append(item)
    clips = list(by_clip)
    said = [tokens(group[0].answer) for group in by_clip.values()]
    references = [[tokens(asked.truths(item)[0]) for item in group] for group in by_clip.values()]
    rounds = [(said, references), (_dealt(said), references), *_left_out(references)]
    plain = [statistics(*each) for each in rounds]
    found = [
        Measure(
            metric,
            clips,
            plain[0][metric],
            value(plain[1][metric], len(clips)),
            ceiling=_mean([value(each[metric], len(clips)) for each in plain[2:]]),
        )
        for metric in plain[0]
    ]
    java = [*_spider(clips, said, references, plain[0]["CIDEr-D"]), _meteor(clips, rounds)]
    return [*java, *found, Measure("empty", clips, mean([not words for words in said]))]


def _spider(
    clips: list[str], said: _Said, references: _References, cider: Statistic
) -> list[Measure]:
    try:
        each = spice(said, references)
    except JavaError as error:
        because = f"SPIDEr is the mean of CIDEr-D and SPICE; {error}"
        return [
            Measure("SPIDEr", clips, None, reason=because),
            Measure("SPICE", clips, None, reason=str(error)),
        ]
    both = (cider.features[:, 0] + each) / 2
    return [Measure("SPIDEr", clips, mean(both)), Measure("SPICE", clips, mean(each))]


def _meteor(clips: list[str], rounds: list[tuple[_Said, _References]]) -> Measure:
    try:
        counts = meteor(
            [words for said, _ in rounds for words in said],
            [group for _, references in rounds for group in references],
        )
    except JavaError as error:
        return Measure("METEOR", clips, None, reason=str(error))
    ours, dealt, *left = (meteor_of(part) for part in np.split(counts, len(rounds)))
    chance, *ceilings = (value(each, len(clips)) for each in (dealt, *left))
    return Measure("METEOR", clips, ours, chance, ceiling=_mean(ceilings))


def _left_out(references: _References) -> list[tuple[_Said, _References]]:
    """For every place of a reference: those references, against the other ones of their clips."""
    fewest = min(map(len, references))
    places = range(fewest if fewest > 1 else 0)
    return [
        (
            [group[place] for group in references],
            [[*group[:place], *group[place + 1 :]] for group in references],
        )
        for place in places
    ]


def _dealt(said: list[Tokens]) -> list[Tokens]:
    """Every caption given to another clip, round a shuffled circle."""
    circle = np.random.default_rng(_SEED).permutation(len(said))
    moved = list(said)
    for place, clip in enumerate(circle):
        moved[clip] = said[circle[place - 1]]
    return moved


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
