"""Which pairs a step read, and which steps read a pair: computed from the order, never stored.

A position counts the pairs of a training before shuffling (pengi_model/reads.py); positions and
samples are a keyed bijection of each other, epoch by epoch (pengi_model/order.py).
"""

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from flows.steps.id_index import id_index, opened, rows_at
from flows.steps.lake import Lake, LakeError, written
from flows.steps.release import read_parts, read_release
from pengi_model import order
from pengi_model.progress import STEPS, read_lines
from schemas import Part, Run

_Line = dict[str, Any]
Integers = NDArray[np.int64]
_ORDERED = ["pair_id", "clip_id", "split", "template"]
_BLOCK = 100_000  # ids hashed at a time


class Reading(NamedTuple):
    """A sample of the plan, by the position that stands there."""

    step: int
    epoch: int
    position: int


class Presented(NamedTuple):
    """The order of one run: `rows` are those of all pairs files together, one a position."""

    n: int
    seed: int
    plan: list[dict[str, int]]
    ran: list[tuple[int, int]]  # [first, stop) of the steps that really ran
    files: list[Path]
    starts: list[int]  # first of `rows` of each file
    rows: NDArray[np.uint32]

    @property
    def steps(self) -> int:
        """Planned steps."""
        return self.plan[-1]["stop"] if self.plan else 0

    def has_run(self, step: int) -> bool:
        return any(first <= step < stop for first, stop in self.ran)


def presented(lake: Lake, run: Run) -> Presented | None:
    """The order of a run, None for one that reads no pair; LakeError where its files differ."""
    folder = lake.run(run.run_id)
    if not (folder / "order.json").is_file():
        return None
    facts = json.loads((folder / "order.json").read_text())
    release = read_release(lake, run.release_id)
    parts = read_parts(release, run.config)
    files = [lake.root / part.pairs.path for part in parts]
    lengths = [opened(path).metadata.num_rows for path in files]
    rows = _rows(lake, parts, facts)
    return Presented(
        n=facts["pairs"],
        seed=facts["seed"],
        plan=facts["plan"],
        ran=[(line["first"], line["stop"]) for line in read_lines(folder / STEPS)],
        files=files,
        starts=list(accumulate([0, *lengths]))[:-1],
        rows=rows,
    )


def pairs_of_step(lake: Lake, known: Presented, step: int) -> list[str]:
    """Ids of the pairs of a planned step, in the order of its batch."""
    places, rows = _rows_of_step(known, step)
    found = np.empty((len(rows), 16), np.uint8)
    for place in np.unique(places):
        mine = places == place
        found[mine] = id_index(lake, known.files[place]).ids[rows[mine]]
    digits = found.tobytes().hex()
    return [digits[start : start + 32] for start in range(0, len(digits), 32)]


def lines_of_step(known: Presented, step: int, most: int) -> list[tuple[Path, _Line]]:
    """(pairs file, line) of the first `most` pairs of a step."""
    places, rows = _rows_of_step(known, step)
    first = [(known.files[p], int(r)) for p, r in zip(places[:most], rows[:most], strict=True)]
    return [(path, rows_at(path, [row])[0]) for path, row in first]


def steps_of_pair(lake: Lake, known: Presented, pair_id: str) -> list[int]:
    """The planned steps that read a pair, sorted; twice in one batch counts once."""
    read = readings(known, positions_of_pair(lake, known, pair_id))
    return sorted({reading.step for reading in read})


def positions_of_pair(lake: Lake, known: Presented, pair_id: str) -> list[int]:
    """Where a pair stands, ascending: as often as its template weighs, nowhere if it is unread."""
    found: list[int] = []
    for path, start in zip(known.files, known.starts, strict=True):
        if (row := id_index(lake, path).row(pair_id)) is not None:
            mark = np.uint32(start + row)  # of the type of `rows`, that they are not copied
            low, high = (int(known.rows.searchsorted(mark, side)) for side in ("left", "right"))
            found += range(low, high)
    return found


def positions_of_step(known: Presented, step: int) -> Integers:
    """What stands at the samples of a planned step, in the order of its batch; else LakeError."""
    for part in known.plan:
        if part["first"] <= step < part["stop"]:
            first = part["first_sample"] + (step - part["first"]) * part["batch"]
            return order.samples(known.n, known.seed, first, part["batch"])
    raise LakeError(f"step {step}: expected a planned step, 0 to {known.steps - 1}.")


def readings(known: Presented, positions: Iterable[int]) -> list[Reading]:
    """Every planned reading of some positions, by step; `has_run` says which really were."""
    last = max((part["first_sample"] + _samples(part) for part in known.plan), default=0)
    epochs = -(-last // known.n)
    found: list[Reading] = []
    for position in positions if epochs else ():
        places = order.indices_in_epochs(known.n, known.seed, epochs, position)
        samples = places + np.arange(epochs) * known.n
        for part in known.plan:
            after = samples - part["first_sample"]
            (inside,) = np.nonzero((after >= 0) & (after < _samples(part)))
            steps = part["first"] + after[inside] // part["batch"]
            read = zip(steps.tolist(), inside.tolist(), strict=True)
            found += [Reading(step, epoch, position) for step, epoch in read]
    return sorted(found)


def presentations(known: Presented) -> int:
    """Samples read by the steps that really ran."""
    return sum(
        part["batch"] * max(0, min(stop, part["stop"]) - max(first, part["first"]))
        for part in known.plan
        for first, stop in known.ran
    )


def _rows_of_step(known: Presented, step: int) -> tuple[Integers, Integers]:
    """Of each sample of a step: its file, and its row in it."""
    rows = known.rows[positions_of_step(known, step)]
    places = np.searchsorted(known.starts, rows, side="right") - 1
    return places, rows.astype(np.int64) - np.array(known.starts)[places]


def _samples(part: dict[str, int]) -> int:
    return (part["stop"] - part["first"]) * part["batch"]


def _rows(lake: Lake, parts: list[Part], facts: _Line) -> NDArray[np.uint32]:
    path = lake.order(facts["pairs_sha256"], [part.pairs.path for part in parts])
    if not path.is_file():
        made = _made(lake, parts, facts)
        try:
            with written(path) as part, part.open("wb") as out:
                np.save(out, made)
        except PermissionError:  # a lake that may only be read
            return made
    return _kept(path, path.stat().st_mtime_ns)


@lru_cache(64)
def _kept(path: Path, stamp: int) -> NDArray[np.uint32]:
    return np.load(path, mmap_mode="r")


def _made(lake: Lake, parts: list[Part], facts: _Line) -> NDArray[np.uint32]:
    """Row of each position; the ids there have to hash to what the training wrote down."""
    start, found, digest = 0, [np.empty(0, np.uint32)], hashlib.sha256()
    for part in parts:
        table = pq.read_table(lake.root / part.pairs.path, columns=_ORDERED)
        rows = np.repeat(np.arange(table.num_rows), _times(table, part, facts))
        ids = table["pair_id"].cast(pa.large_string()).combine_chunks()
        for block in np.array_split(rows, len(rows) // _BLOCK + 1):
            digest.update(
                "".join(f"{id}\n" for id in ids.take(pa.array(block)).to_pylist()).encode()
            )
        found.append((rows + start).astype(np.uint32))
        start += table.num_rows
    if digest.hexdigest() != facts["pairs_sha256"]:
        raise LakeError(
            f"the pairs of {', '.join(part.dataset for part in parts)} hash to "
            f"{digest.hexdigest()[:16]}, the training read {facts['pairs_sha256'][:16]}. "
            "A pairs file has changed: `pengi release verify` names it."
        )
    return np.concatenate(found)


def _times(table: pa.Table, part: Part, facts: _Line) -> Integers:
    """How often each row of a pairs file stands in an epoch."""
    times = pc.is_in(table["split"], pa.array(part.train, pa.string())).to_numpy().astype(np.int64)
    if weights := facts["templates"]:
        names = pa.array(list(weights), pa.string())
        places = pc.fill_null(pc.index_in(table["template"], names), len(names))
        times *= np.array([*weights.values(), 0], np.int64)[places.to_numpy()]
    if share := facts.get("held_out", 0.0):  # clips kept for validation, by their ids
        clips = table["clip_id"].combine_chunks().dictionary_encode()
        numbers = np.array([int(clip[:8], 16) for clip in clips.dictionary.to_pylist()], np.int64)
        times *= numbers[clips.indices.to_numpy()] >= share * 2**32
    return times
