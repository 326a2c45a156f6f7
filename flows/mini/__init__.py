"""The mini world: datasets synthesised in their publishers' layout, served over HTTP from here.

`world` builds the archives of one dataset and returns its facts for them, with urls relative to the
folder; `serve` publishes the folder; `at` makes the urls absolute, so that fetching runs for real.
A module here has `tree()` (archive name to content), `expected_clips()`, and where sounds are
fetched one by one `remotes()` (member name to bytes; what is left out cannot be had any more).
"""

import hashlib
import importlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flows.mini.pack import files, packed, size
from flows.mini.server import serve
from flows.steps.lake import locked, sha256_file, sweep, write_json, written
from flows.steps.progress import Progress, silent
from schemas import Access, Archive, Dataset

__all__ = ["REMOTE", "MiniError", "at", "serve", "world"]

REMOTE = "remote"  # folder below a dataset's that holds the sounds fetched one by one

_DONE = "made.json"


class MiniError(Exception):
    """A dataset that has no small copy."""


def world(dataset: Dataset, folder: Path, progress: Progress = silent) -> Dataset:
    """Synthesise `dataset` under folder/<name>/ unless it is there; return its facts for that copy.

    Urls are "<name>/<archive>", checksums sha256, `expected_clips` those of the copy, which is free
    to all whatever access the real one needs. MiniError when there is no flows/mini/<name>.py.
    """
    home = folder / dataset.name
    done = home / _DONE
    source = _source(dataset.name)
    with locked(home):
        if not done.is_file() or json.loads(done.read_text())["source"] != source:
            _build(dataset.name, home, source, progress)
        made = json.loads(done.read_text())
    archives = tuple(Archive(**fields) for fields in made["archives"])
    facts = {"archives": archives, "expected_clips": made["expected_clips"], "access": Access()}
    return dataset.model_copy(update=facts)


def at(dataset: Dataset, base: str) -> Dataset:
    """`dataset` with the address `base` (ends in "/") before the urls of its archives."""
    moved = tuple(a.model_copy(update={"url": f"{base}{a.url}"}) for a in dataset.archives)
    return dataset.model_copy(update={"archives": moved})


def _source(name: str) -> str:
    """Hash of the code that makes the small copies: another code, another copy."""
    here = Path(__file__).parent
    if not (here / f"{name}.py").is_file():
        raise MiniError(
            f"{name}: there is no small copy of this dataset; expected flows/mini/{name}.py. "
            "Write it, leave the dataset out with --datasets, or choose another profile."
        )
    digest = hashlib.sha256()
    for path in sorted(here.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _build(dataset: str, home: Path, source: str, progress: Progress) -> None:
    module = importlib.import_module(f"{__name__}.{dataset}")
    tree = module.tree()
    remotes = module.remotes() if hasattr(module, "remotes") else {}
    total, made = size(tree) + size(remotes), 0

    def count() -> None:
        nonlocal made
        made += 1
        progress(f"{dataset}: synthesising", made, total)

    (home / _DONE).unlink(missing_ok=True)
    sweep(home)
    archives: list[dict[str, Any]] = []
    for key, content in tree.items():
        for name, data in files(key, content, count).items():
            with written(home / name) as part:
                part.write_bytes(data)
            checksum = f"sha256:{sha256_file(home / name)}"
            url = quote(f"{dataset}/{name}")
            archives.append({"name": name, "url": url, "checksum": checksum, "bytes": len(data)})
    for name, content in remotes.items():
        with written(home / REMOTE / name) as part:
            part.write_bytes(packed(name, content, count))
    fields = {"source": source, "archives": archives, "expected_clips": module.expected_clips()}
    write_json(home / _DONE, fields)
