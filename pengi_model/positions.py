"""Which pair stands at a position of a training, and where a pair stands: an index on disk.

A position counts the pairs of a training as `reads` does: files in the order given, rows as they
stand, kept where the split is wanted and as often as their template is. The index is memory mapped;
a lookup touches a few pages of it.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

_DIGITS = 32  # of a pair id
_BLOCK = 1 << 18  # pairs hashed at a time
Integers = NDArray[np.int64]
Words = NDArray[np.uint64]


class PositionsError(Exception):
    """The pairs at hand are not those of the training."""


class Positions:
    """An index that `build` wrote."""

    def __init__(self, folder: Path) -> None:
        self._ids: Words = np.load(folder / "ids.npy", mmap_mode="r")  # (rows, 2), in order
        self._starts: Integers = np.load(folder / "starts.npy", mmap_mode="r")  # (rows + 1,)
        self._sorted: Words = np.load(folder / "sorted.npy", mmap_mode="r")  # (rows,) first words
        self._rows: Integers = np.load(folder / "rows.npy", mmap_mode="r")  # of the sorted ones

    def __len__(self) -> int:
        return int(self._starts[-1])

    def of(self, pair_id: str) -> Integers:
        """Positions of a pair, ascending; none if the training does not read it."""
        first, second = _words(np.frombuffer(pair_id.encode(), np.uint8).reshape(1, -1))[0]
        low = np.searchsorted(self._sorted, first, "left")
        high = np.searchsorted(self._sorted, first, "right")
        rows = np.sort(self._rows[low:high])
        rows = rows[self._ids[rows, 1] == second]
        ranges = [
            np.arange(int(self._starts[row]), int(self._starts[row + 1])) for row in rows.tolist()
        ]
        return np.concatenate([np.empty(0, np.int64), *ranges])

    def pairs(self, positions: Integers) -> list[str]:
        """Pair ids that stand at these positions."""
        rows = np.searchsorted(self._starts, positions, "right") - 1
        return [f"{first:016x}{second:016x}" for first, second in self._ids[rows].tolist()]


def build(
    files: Sequence[tuple[Path, Sequence[str]]],
    order: Mapping[str, Any],
    folder: Path,
) -> Positions:
    """The index of a training over (pairs file, splits), in the new `folder`.

    `order` is order.json; PositionsError where the pairs hash to another value than it says.
    """
    held_out = order.get("held_out", 0.0)
    parts = [_read(path, splits, order["templates"], held_out) for path, splits in files]
    ids = np.concatenate([np.empty((0, _DIGITS), np.uint8), *(part[0] for part in parts)])
    times = np.concatenate([np.empty(0, np.int64), *(part[1] for part in parts)])
    if (found := _sha256(ids, times)) != order["pairs_sha256"]:
        raise PositionsError(
            f"the pairs of this training hash to {found[:16]}, expected "
            f"{order['pairs_sha256'][:16]} as its order.json says. A pairs file was changed: "
            "`pengi release verify` names it."
        )
    words = _words(ids)
    rows = np.argsort(words[:, 0], kind="stable")
    arrays = {
        "ids": words,
        "starts": np.concatenate(([0], np.cumsum(times))),
        "sorted": words[rows, 0],
        "rows": rows,
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        part = Path(temporary) / "index"
        part.mkdir()
        for name, values in arrays.items():
            np.save(part / f"{name}.npy", values)
        if not folder.exists():  # another process may have been first
            os.replace(part, folder)
    return Positions(folder)


def _read(
    path: Path, splits: Sequence[str], templates: Mapping[str, int], held_out: float
) -> tuple[NDArray[np.uint8], Integers]:
    """Hex digits (rows, 32) of the pairs that are read, and how often each is."""
    table = pq.read_table(path, columns=["pair_id", "clip_id", "split", "template"])
    table = table.filter(pc.is_in(table["split"], pa.array(list(splits), pa.string())))
    times = np.ones(table.num_rows, np.int64)
    if templates:
        names = pa.array(list(templates), pa.string())
        places = pc.fill_null(pc.index_in(table["template"], names), len(names))
        times = np.array([*templates.values(), 0], np.int64)[places.to_numpy()]
    if held_out:  # as `reads` holds them: clips whose first 32 bits are below the share
        times *= _words(_digits(table["clip_id"]))[:, 0] >> np.uint64(32) >= held_out * 2**32
    return _digits(table["pair_id"].filter(pa.array(times > 0))), times[times > 0]


def _digits(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """Ids as their hex digits (rows, 32)."""
    text = pc.cast(column, pa.large_binary()).to_numpy().astype(f"S{_DIGITS}")
    return text.view(np.uint8).reshape(-1, _DIGITS)


def _words(digits: NDArray[np.uint8]) -> Words:
    """Hex digits (rows, 32) -> the ids as two big-endian words (rows, 2)."""
    values = np.where(digits > ord("9"), digits - ord("a") + 10, digits - ord("0")).astype(np.uint8)
    packed = np.ascontiguousarray((values[:, ::2] << 4) | values[:, 1::2])
    return packed.view(">u8").astype(np.uint64)


def _sha256(digits: NDArray[np.uint8], times: Integers) -> str:
    """sha256 of the ids in training order, one a line, as `reads` has it."""
    lines = np.concatenate([digits, np.full((len(digits), 1), ord("\n"), np.uint8)], axis=1)
    digest = hashlib.sha256()
    for start in range(0, len(lines), _BLOCK):
        block = np.repeat(lines[start : start + _BLOCK], times[start : start + _BLOCK], axis=0)
        digest.update(block.tobytes())
    return digest.hexdigest()
