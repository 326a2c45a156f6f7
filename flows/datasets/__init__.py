"""One file per dataset, discovered, never listed: a name, or a path to a dataset file anywhere."""

import hashlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from schemas import Benchmark, Choice, Dataset, Malformed, Raw, Remote, RequestError, Row

Reader = Callable[[Raw], Iterator[Row | Malformed]]
Remotes = Callable[[Raw], Iterator[Remote]]


class UnknownDataset(RequestError):
    """No dataset of that name, or a file that declares none."""


class UnknownChoice(RequestError):
    """A dataset has no choice of that name, or the choice no such value."""


class DatasetFile(NamedTuple):
    """A dataset file, loaded; `source_sha256` goes into the version of what `rows` gives."""

    dataset: Dataset
    rows: Reader
    benchmarks: tuple[Benchmark, ...]
    source_sha256: str
    remotes: Remotes | None = None


def names() -> list[str]:
    """Names of the datasets in this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> DatasetFile:
    """The dataset called `name`, or the one in the file `name` (ends in .py)."""
    if name.endswith(".py"):
        return _declared(_module(Path(name)), Path(name))
    if name not in names():
        raise UnknownDataset(
            f"unknown dataset {name!r}. Known: {', '.join(names())}. "
            "A dataset file elsewhere is given by its path, ending in .py."
        )
    path = Path(__path__[0]) / f"{name}.py"
    return _declared(importlib.import_module(f"{__name__}.{name}"), path)


def with_choices(dataset: Dataset, chosen: Mapping[str, str]) -> Dataset:
    """The dataset with some choices made otherwise; UnknownChoice when it has no such one."""
    known = {choice.name: (choice.value, *choice.others) for choice in dataset.choices}
    for name, value in chosen.items():
        if value not in known.get(name, ()):
            raise UnknownChoice(
                f"{dataset.name}: choice {name}={value} is not known. Expected one of "
                + ("; ".join(f"{n}={'|'.join(v)}" for n, v in known.items()) or "none: it has none")
            )
    made = tuple(_made(choice, chosen.get(choice.name, choice.value)) for choice in dataset.choices)
    added = [name for choice in made for name in choice.adds.get(choice.value, ())]
    templates = tuple(dict.fromkeys((*dataset.templates, *added)))
    return dataset.model_copy(update={"choices": made, "templates": templates})


def _made(choice: Choice, value: str) -> Choice:
    others = tuple(other for other in (choice.value, *choice.others) if other != value)
    return choice.model_copy(update={"value": value, "others": others})


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise UnknownDataset(f"dataset file {path}: no such file.")
    spec = importlib.util.spec_from_file_location(f"dataset_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UnknownDataset(f"dataset file {path} cannot be read as Python.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _declared(module: ModuleType, path: Path) -> DatasetFile:
    missing = [name for name in ("DATASET", "rows") if not hasattr(module, name)]
    if missing:
        raise UnknownDataset(
            f"dataset file {path} lacks {' and '.join(missing)}. It declares "
            "DATASET = Dataset(...) and rows(raw); see flows/datasets/esc50.py."
        )
    source = hashlib.sha256(path.read_bytes()).hexdigest()
    benchmarks, remotes = getattr(module, "BENCHMARKS", ()), getattr(module, "remotes", None)
    return DatasetFile(module.DATASET, module.rows, benchmarks, source, remotes)
