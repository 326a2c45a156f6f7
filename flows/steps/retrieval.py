"""Retrieval through generated captions, both ways (sec. 5.4, Tables 6 and 11).

A caption and the text generated for a clip meet as vectors of the text encoder. Equal cosines are
frequent (clips with the same answer), so a hit is the chance of one under random order of ties.
"""

import numpy as np

from flows.steps.asked import Asked, Measure, empty, no_number
from flows.steps.matching import cleaned
from flows.steps.metrics import Bools, Floats, mean

RANKS = (1, 5, 10)  # the k of R@k


def expected_hits(scores: Floats, relevant: Bools, k: int) -> Floats:
    """Chance of each query that one of its relevant things is among the first k: (queries,).

    scores, relevant: (queries, things), each query with one relevant thing or more. Things rank by
    falling score, equal ones in random order.
    """
    best = np.where(relevant, scores, -np.inf).max(axis=1, keepdims=True)
    above = ((scores > best) & ~relevant).sum(axis=1)
    others = ((scores == best) & ~relevant).sum(axis=1)
    places = np.maximum(k - above, 0)  # left for those that score as the best relevant thing does
    missed = np.ones(len(scores))
    tied = ((scores == best) & relevant).sum(axis=1)
    for turn in range(int(tied.max(initial=0))):  # C(others, places) / C(others + tied, places)
        free = np.maximum(others + turn + 1 - places, 0)
        missed = np.where(turn < tied, missed * free / (others + turn + 1), missed)
    return 1.0 - missed


def text_to_audio(asked: Asked) -> list[Measure]:
    """Every reference caption is a query; the clips are ranked by their generated texts."""
    return _recalls(asked, by_caption=True)


def audio_to_text(asked: Asked) -> list[Measure]:
    """Every clip is a query by its generated text; the best ranked of its captions counts."""
    return _recalls(asked, by_caption=False)


def _recalls(asked: Asked, *, by_caption: bool) -> list[Measure]:
    said = {item.clip_id: cleaned(item.answer) for item in asked.items}
    captions = [cleaned(asked.truths(item)[0]) for item in asked.items]
    clips, owners = list(said), [item.clip_id for item in asked.items]
    relevant = np.asarray(clips)[:, None] == np.asarray(owners)[None, :]
    queries = owners if by_caption else clips
    turned = relevant.T if by_caption else relevant
    found: list[Measure] = []
    for suffix, space in asked.text_spaces():
        scores = space.cosines(list(said.values()), captions)  # (clips, captions)
        if (fault := no_number(f"R@{RANKS[0]}{suffix}", asked, scores)) is not None:
            found.append(fault)
            continue
        for k in RANKS:
            hits = expected_hits(scores.T if by_caption else scores, turned, k)
            chance = expected_hits(np.zeros(turned.shape), turned, k).mean()
            found.append(Measure(f"R@{k}{suffix}", queries, mean(hits), float(chance)))
    return [*found, empty(asked)]
