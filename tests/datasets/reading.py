"""A dataset file's reader run over a folder, with some of its choices made otherwise."""

from pathlib import Path

from flows import datasets
from flows.datasets import with_choices
from flows.steps.archives import RawTree, Source
from schemas import Malformed, Remote, Row


def read(name: str, *folders: Path, **chosen: str) -> tuple[list[Row], list[str]]:
    """Rows, and the reasons of the lines that are none."""
    lines = list(datasets.load(name).rows(_raw(name, folders, chosen)))
    rows = [line for line in lines if isinstance(line, Row)]
    return rows, [line.reason for line in lines if isinstance(line, Malformed)]


def clean(name: str, *folders: Path, **chosen: str) -> list[Row]:
    """Rows, where no line may be anything else."""
    rows, reasons = read(name, *folders, **chosen)
    assert reasons == []
    return rows


def write(path: Path, text: str = "") -> None:
    """A file of a made-up copy, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def remotes(name: str, *folders: Path, **chosen: str) -> list[Remote]:
    """The sounds that are fetched one by one."""
    listed = datasets.load(name).remotes
    assert listed
    return list(listed(_raw(name, folders, chosen)))


def _raw(name: str, folders: tuple[Path, ...], chosen: dict[str, str]) -> RawTree:
    dataset = with_choices(datasets.load(name).dataset, chosen)
    sources = [Source(path.name, path, "") for path in folders]
    return RawTree(sources, choices=dataset.choices)
