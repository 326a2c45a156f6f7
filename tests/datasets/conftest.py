"""The mini world, built once for all tests of the datasets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows import datasets
from flows.mini import REMOTE, world
from flows.steps.archives import RawTree, Source
from schemas import Malformed, Row
from small_copy import SmallCopy


@pytest.fixture(scope="session")
def mini_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mini")


@pytest.fixture(scope="session")
def mini(mini_folder: Path) -> Callable[[str], SmallCopy]:
    """The small copy of a dataset, by name."""
    known: dict[str, SmallCopy] = {}

    def small_copy(name: str) -> SmallCopy:
        if name not in known:
            file = datasets.load(name)
            copy = world(file.dataset, mini_folder)
            sources = [
                Source(archive.name, mini_folder / name / archive.name, archive.name)
                for archive in copy.archives
            ]
            if (remote := mini_folder / name / REMOTE).is_dir():
                sources.append(Source(REMOTE, remote, REMOTE))
            raw = RawTree(sources, choices=file.dataset.choices)
            lines = list(file.rows(raw))
            rows = [line for line in lines if isinstance(line, Row)]
            malformed = [line for line in lines if isinstance(line, Malformed)]
            known[name] = SmallCopy(copy, raw, rows, malformed)
        return known[name]

    return small_copy
