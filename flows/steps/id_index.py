"""Lines found without reading them all: by clip through row groups, by id through an index.

A pairs file is sorted by clip, so that a clip's pairs stand in one or two row groups. Ids are in no
order; the index keeps 28 bytes an id, memory mapped, made when it is first asked for.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from flows.steps.lake import Lake, LakeError, written

_Line = dict[str, Any]
_ID = 16  # bytes of an id of 32 hex digits
_FILES = 256  # open at a time


class IdIndex(NamedTuple):
    """ids: (rows, 16) bytes as the file stands; marks: their first 8 bytes, sorted; their rows."""

    ids: NDArray[np.uint8]
    marks: NDArray[np.uint64]
    rows: NDArray[np.uint32]

    def row(self, id: str) -> int | None:
        """Row of an id of 32 hex digits in the file, or None."""
        wanted = np.frombuffer(bytes.fromhex(id), np.uint8)
        (mark,) = wanted[:8].view(">u8")
        for place in range(int(np.searchsorted(self.marks, mark)), len(self.marks)):
            if self.marks[place] != mark:
                break
            if (self.ids[self.rows[place]] == wanted).all():
                return int(self.rows[place])
        return None

    def starting(self, digits: str, most: int) -> list[str]:
        """Up to `most` ids that start with some hex digits."""
        first, last = (np.uint64(int(f"{digits:{fill}<16.16}", 16)) for fill in "0f")
        low, high = np.searchsorted(self.marks, first), np.searchsorted(self.marks, last, "right")
        rows = self.rows[int(low) : min(int(high), int(low) + most)]
        found = (self.ids[row].tobytes().hex() for row in rows)
        return [id for id in found if id.startswith(digits)]


def id_index(lake: Lake, path: Path, column: str = "pair_id") -> IdIndex:
    """The index of one file by an id; made, and kept where the lake can be written to."""
    return _index(lake.id_index(path, column), path, column, _stamp(path))


def find_row(lake: Lake, paths: Iterable[Path], id: str, column: str) -> tuple[Path, int] | None:
    """The first of some files that has the id, and the row where it stands."""
    for path in paths:
        if (row := id_index(lake, path, column).row(id)) is not None:
            return path, row
    return None


def pairs_files(lake: Lake) -> list[Path]:
    """Every pairs file of the lake, the newest first."""
    paths = (lake.root / "pairs").glob("*/*.parquet")
    return sorted(paths, key=lambda path: (-path.stat().st_mtime_ns, str(path)))


def clip_pairs(path: Path, clip_id: str, columns: Sequence[str] | None = None) -> list[_Line]:
    """The pairs of one clip in a pairs file, as they stand."""
    file = opened(path)
    found: list[_Line] = []
    for group, (low, high) in enumerate(_bounds(path, _stamp(path))):
        if low <= clip_id <= high:
            clips = file.read_row_group(group, columns=["clip_id"], use_threads=False)["clip_id"]
            (chunk,) = clips.chunks or [pa.array([], pa.string())]
            start, stop = _between(chunk, clip_id)
            if start < stop:
                names = columns or file.schema_arrow.names
                table = file.read_row_group(group, columns=list(names), use_threads=False)
                found += table.slice(start, stop - start).to_pylist()
    return found


def rows_at(path: Path, rows: Sequence[int]) -> list[_Line]:
    """The lines at `rows` of a file, in that order; only their row groups are read."""
    file = opened(path)
    starts = _starts(path, _stamp(path))
    groups = np.searchsorted(starts, np.asarray(rows, np.int64), side="right") - 1
    found: dict[int, _Line] = {}
    for group in np.unique(groups):
        mine = [row for row, its in zip(rows, groups, strict=True) if its == group]
        table = file.read_row_group(int(group), use_threads=False)
        lines = table.take([row - int(starts[group]) for row in mine]).to_pylist()
        found.update(zip(mine, lines, strict=True))
    return [found[row] for row in rows]


def opened(path: Path) -> pq.ParquetFile:
    """A Parquet file with its footer read; LakeError names one that is gone or damaged."""
    return _opened(path, _stamp(path))


def _stamp(path: Path) -> int:
    if not path.is_file():
        raise LakeError(
            f"{path} is missing. Something deleted it: `pengi release verify` says what else is "
            "gone; ingest the dataset again to have it made again."
        )
    return path.stat().st_mtime_ns


@lru_cache(_FILES)
def _opened(path: Path, stamp: int) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except pa.ArrowException as fault:
        raise LakeError(f"{path} is no Parquet file that can be read: {fault}") from fault


@lru_cache(_FILES)
def _bounds(path: Path, stamp: int) -> list[tuple[str, str]]:
    """(first, last) clip id of each row group."""
    facts = _opened(path, stamp).metadata
    column = facts.schema.names.index("clip_id")
    found = (facts.row_group(g).column(column).statistics for g in range(facts.num_row_groups))
    return [(s.min, s.max) if s is not None and s.has_min_max else ("", "~") for s in found]


@lru_cache(_FILES)
def _starts(path: Path, stamp: int) -> NDArray[np.int64]:
    facts = _opened(path, stamp).metadata
    counts = [facts.row_group(group).num_rows for group in range(facts.num_row_groups)]
    return np.cumsum([0, *counts])[:-1]


def _between(clips: pa.Array, clip_id: str) -> tuple[int, int]:
    """[start, stop) of `clip_id` in sorted clip ids."""
    ends = [0, 0]
    for side in (0, 1):
        low, high = 0, len(clips)
        while low < high:
            middle = (low + high) // 2
            value = clips[middle].as_py()
            if value < clip_id or (side and value == clip_id):
                low = middle + 1
            else:
                high = middle
        ends[side] = low
    return ends[0], ends[1]


@lru_cache(_FILES)
def _index(folder: Path, path: Path, column: str, stamp: int) -> IdIndex:
    places = {name: folder / f"{name}.npy" for name in IdIndex._fields}
    if not all(place.is_file() for place in places.values()):
        made = _made(path, column)
        try:
            for name, value in made._asdict().items():
                with written(places[name]) as part, part.open("wb") as out:
                    np.save(out, value)
        except PermissionError:  # an auditor's lake may be read-only: held in memory then
            return made
    return IdIndex(*(np.load(place, mmap_mode="r") for place in places.values()))


def _made(path: Path, column: str) -> IdIndex:
    values = opened(path).read(columns=[column])[column]
    joined = b"".join(bytes.fromhex("".join(chunk.to_pylist())) for chunk in values.chunks)
    ids = np.frombuffer(joined, np.uint8).reshape(-1, _ID)
    marks = np.ascontiguousarray(ids[:, :8]).view(">u8").reshape(-1).astype(np.uint64)
    rows = np.argsort(marks, kind="stable").astype(np.uint32)
    return IdIndex(ids, marks[rows], rows)
