"""The lake: the only place that knows paths. One writer per folder, rename last, HEAD locked."""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import RequestError

_MARK = "lake.json"
_FORMAT = 1
ROW_GROUP = 61_440  # rows: a lookup by clip then reads few pages; 30 of DuckDB's vectors


class LakeError(RequestError):
    """Something about the lake itself: not a lake, a moved HEAD, a file that is not what it was."""


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_text(*parts: str) -> str:
    """sha256 of the parts joined by a zero byte, in hex."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only writer of `folder` (made if absent); waits for the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sweep(folder: Path) -> None:
    """Remove what a killed writer left half written; for the one who holds the folder's lock."""
    for part in folder.glob(".*.tmp"):
        part.unlink()


def write_table(path: Path, table: pa.Table) -> Path:
    """Write Parquet (zstd) under its final name only when complete; same table, same bytes."""
    with written(path) as part:
        pq.write_table(table, part, compression="zstd", row_group_size=ROW_GROUP)
    return path


def write_json(path: Path, value: Any) -> Path:
    """Write JSON with sorted keys, under its final name only when complete."""
    with written(path) as part:
        part.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return path


class Lake:
    """Paths of one lake. `Lake.open` refuses a directory that is not one."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @classmethod
    def open(cls, root: Path) -> "Lake":
        """The lake at `root`; `LakeError` when the directory is missing or is something else."""
        mark = root / _MARK
        if not mark.is_file():
            found = "a directory without it" if root.is_dir() else "no such directory"
            raise LakeError(
                f"{root} is not a lake: expected the file {_MARK} in it, found {found}. "
                "Give --lake the directory of an earlier run, or start one with `pengi run`."
            )
        if (found := json.loads(mark.read_text()).get("format")) != _FORMAT:
            raise LakeError(
                f"{root} is a lake of format {found}, this version reads format {_FORMAT}. "
                "Use the version that wrote it, or start a new lake."
            )
        return cls(root)

    @classmethod
    def create(cls, root: Path) -> "Lake":
        """The lake at `root`, made if absent; a folder with other files is refused."""
        if (root / _MARK).is_file():
            return cls.open(root)
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise LakeError(
                f"{root} is not empty and is not a lake. Give --lake a new or empty directory."
            )
        root.mkdir(parents=True, exist_ok=True)
        write_json(root / _MARK, {"format": _FORMAT})
        return cls(root)

    def relative(self, path: Path) -> str:
        """`path` as it is recorded in manifests: relative to the lake."""
        return str(path.resolve().relative_to(self.root))

    def world(self) -> Path:
        """Folder of the synthesised archives of profile mini, served to `fetch` over HTTP."""
        return self.root / "mini"

    def raw(self, dataset: str) -> Path:
        return self.root / "raw" / dataset

    def fetches(self, dataset: str) -> Path:
        """The fetch ledger; it exists when every archive is there and verified."""
        return self.raw(dataset) / "fetches.parquet"

    def remote(self, dataset: str) -> Path:
        """Folder of the sounds that were fetched one by one."""
        return self.raw(dataset) / "remote"

    def remotes(self, dataset: str) -> Path:
        """The ledger of the sounds fetched one by one; it exists when each of them is settled."""
        return self.raw(dataset) / "remotes.parquet"

    def rows(self, dataset: str, version: str) -> Path:
        return self.root / "rows" / dataset / f"{version}.parquet"

    def audio(self, dataset: str, version: str) -> Path:
        """Folder of shards; done when `clips.parquet` is in it."""
        return self.root / "audio" / dataset / version

    def clips(self, dataset: str, version: str) -> Path:
        return self.audio(dataset, version) / "clips.parquet"

    def pairs(self, dataset: str, version: str) -> Path:
        return self.root / "pairs" / dataset / f"{version}.parquet"

    def rejected(self, dataset: str, stop: str, version: str) -> Path:
        """What stop `rows`, `audio` or `pairs` left out, with reasons."""
        return self.root / "rejected" / dataset / f"{stop}-{version}.parquet"

    def release(self, release_id: str) -> Path:
        return self.root / "releases" / f"{release_id}.json"

    def seal(self, release_id: str) -> Path:
        """sha256 of a release's manifest, as `sha256sum -c` reads it."""
        return self.root / "releases" / f"{release_id}.json.sha256"

    def releases(self) -> list[str]:
        folder = self.root / "releases"
        return sorted(path.stem for path in folder.glob("*.json"))

    def waves(self, dataset: str, version: str) -> Path:
        """Folder of the int16 cache derived from the shards of one audio version; deletable."""
        return self.root / "cache" / dataset / version

    def features(self, encoder: str, dataset: str, which: str) -> Path:
        """What an audio encoder made of the clips of one split; deletable."""
        return self.root / "cache" / "features" / encoder / dataset / f"{which}.parquet"

    def hashes(self, dataset: str) -> Path:
        """What files of a dataset hashed to when last seen; deletable."""
        return self.root / "cache" / dataset / "hashes.json"

    def tally(self, dataset: str, name: str) -> Path:
        """Counts of one release's pairs of a dataset by template and licence; deletable."""
        return self.root / "cache" / dataset / f"tally-{name}.json"

    def id_index(self, path: Path, column: str) -> Path:
        """Folder of the index of one Parquet file by an id column; deletable."""
        return self.root / "cache" / "ids" / f"{sha256_text(self.relative(path))[:16]}-{column}"

    def order(self, pairs_sha256: str, files: Iterable[str]) -> Path:
        """Row numbers, in these pairs files, of the pairs of a training order; deletable."""
        name = sha256_text("\n".join([pairs_sha256, *files]))[:16]
        return self.root / "cache" / "orders" / f"{name}.npy"

    def tombstones(self) -> Path:
        """Folder of what was taken down, a file each."""
        return self.root / "tombstones"

    def datasets(self) -> list[str]:
        """Names of the datasets that something was fetched of."""
        return sorted(path.parent.name for path in (self.root / "raw").glob("*/fetches.parquet"))

    def run(self, run_id: str) -> Path:
        return self.root / "runs" / run_id

    def runs(self) -> list[str]:
        return sorted(path.parent.name for path in (self.root / "runs").glob("*/run.json"))

    def answers(self, run_id: str, evaluation: str) -> Path:
        return self.run(run_id) / "answers" / f"{evaluation}.parquet"

    def texts(self, run_id: str, evaluation: str) -> Path:
        return self.run(run_id) / "texts" / f"{evaluation}.parquet"

    def scores(self, run_id: str, evaluation: str) -> Path:
        return self.run(run_id) / "scores" / f"{evaluation}.parquet"

    def examples(self, run_id: str) -> Path:
        """What a run says for the paper's example tables and figures."""
        return self.run(run_id) / "examples.parquet"

    def report(self, report_id: str) -> Path:
        return self.root / "reports" / report_id

    def scratch(self) -> Path:
        """A place for temporary files on the lake's own disk."""
        path = self.root / "tmp"
        path.mkdir(exist_ok=True)
        return path

    def head(self) -> str | None:
        """The release that HEAD names, or None before the first."""
        path = self.root / "releases" / "HEAD"
        return path.read_text().strip() if path.exists() else None

    def move_head(self, expected: str | None, release_id: str) -> None:
        """Compare-and-swap HEAD under a lock; `LakeError` when somebody else moved it meanwhile."""
        folder = self.root / "releases"
        with locked(folder):
            if (found := self.head()) != expected:
                raise LakeError(
                    f"HEAD is {found}, expected {expected}: another release was made meanwhile. "
                    "Both releases are kept; run again to make one that includes both."
                )
            with written(folder / "HEAD") as part:
                part.write_text(f"{release_id}\n")
