"""ClothoAQA: direct match with the annotators' answers.

The paper's section 5.2; the kinds and agreements of Lipping et al. 2022.
"""

from collections import Counter
from collections.abc import Callable

from flows.steps.asked import Asked, Item, Measure, share
from flows.steps.matching import majority, spoken

_YES_NO = {"yes", "no"}


def answered(asked: Asked) -> list[Measure]:
    """ClothoAQA: {yes/no, single word, all} x {each annotation, majority, unanimous, any}."""
    kinds: dict[str, Callable[[set[str]], bool]] = {
        "yes_no": lambda truth: truth <= _YES_NO,
        "word": lambda truth: not truth <= _YES_NO,
        "all": lambda truth: True,
    }
    agreements = ("each", "majority", "unanimous", "any")
    grid = {a: _agreed(asked, a) for a in agreements}
    found: list[Measure] = []
    for kind, belongs in kinds.items():
        for agreement in agreements:
            chosen = [(item, truth) for item, truth in grid[agreement] if belongs(truth)]
            hits = [_agrees(item.answer, truth) for item, truth in chosen]
            votes = Counter(word for _, truth in chosen for word in truth)
            chance = votes.most_common(1)[0][1] / len(chosen) if chosen else None
            name = "" if (kind, agreement) == ("yes_no", "each") else f"_{kind}_{agreement}"
            items = [item for item, _ in chosen]
            found.append(share(f"accuracy{name}", items, hits, chance))
    return found


def _agreed(asked: Asked, agreement: str) -> list[tuple[Item, set[str]]]:
    """(item, accepted answers): every row, or one item for each question of a clip."""
    said = [(item, spoken(asked.truths(item)[0])) for item in asked.items]
    if agreement == "each":
        return [(item, {answer}) for item, answer in said]
    questions: dict[tuple[str, str], list[tuple[Item, str]]] = {}
    for item, answer in said:
        questions.setdefault((item.clip_id, spoken(item.row["question"])), []).append(
            (item, answer)
        )
    found: list[tuple[Item, set[str]]] = []
    for group in questions.values():
        answers = [answer for _, answer in group]
        most = majority(answers)
        if agreement == "any":
            found.append((group[0][0], set(answers)))
        elif agreement == "majority" and most is not None:
            found.append((group[0][0], {most}))
        elif agreement == "unanimous" and len(set(answers)) == 1:
            found.append((group[0][0], set(answers)))
    return found


def _agrees(answer: str, truth: set[str]) -> bool:
    said = spoken(answer)
    if said in truth:
        return True
    first = said.split(" ")[0]  # "yes, it is" says yes
    return first in truth and first in _YES_NO
