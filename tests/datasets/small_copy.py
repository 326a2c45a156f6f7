"""What the tests of the datasets know of a small copy."""

from typing import NamedTuple

from flows.steps.archives import RawTree
from schemas import Dataset, Malformed, Row


class SmallCopy(NamedTuple):
    """A dataset's small copy: facts, raw tree, and what its reader made of it."""

    dataset: Dataset
    raw: RawTree
    rows: list[Row]
    malformed: list[Malformed]
