"""Training reads: pairs files joined with the int16 waves cache, addressed by pair position.

A position counts the pairs of a training before shuffling: the files in the order given, rows as
they stand, kept where the split is wanted and as often as their template is.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

_COLUMNS = ["pair_id", "clip_id", "dataset", "split", "template", "input", "output"]


class ReadsError(Exception):
    """The files a training should read do not fit together."""


@dataclass(frozen=True)
class _Span:
    file: int
    start: int
    length: int


class Waves:
    """Samples of clips out of waves folders (`samples.int16` + `index.parquet`), memory mapped."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._files: list[NDArray[np.int16]] = []
        self._spans: dict[str, _Span] = {}
        for number, folder in enumerate(folders):
            if not (folder / "index.parquet").is_file():
                raise ReadsError(
                    f"{folder} is no waves cache: expected index.parquet in it. Make it again."
                )
            self._files.append(np.memmap(folder / "samples.int16", dtype="<i2", mode="r"))
            index = pq.read_table(folder / "index.parquet").to_pydict()
            for clip, start, length in zip(
                index["clip_id"], index["start"], index["length"], strict=True
            ):
                self._spans[clip] = _Span(number, start, length)

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self._spans

    def length(self, clip_id: str) -> int:
        """Samples of a clip."""
        return self._spans[clip_id].length

    def window(self, clip_id: str, samples: int, draw: float = 0.5) -> NDArray[np.float32]:
        """`samples` values in [-1, 1): tiled if too short, else cut at `draw` of the slack."""
        span = self._spans[clip_id]
        file = self._files[span.file]
        if span.length < samples:
            wave = np.resize(file[span.start : span.start + span.length], samples)
        else:
            start = span.start + int(draw * (span.length - samples))
            wave = file[start : start + samples]
        return wave.astype(np.float32) / 32768.0


class Reads:
    """The pairs of one training and their sounds.

    spec: {"pairs": [{"path", "splits"}], "waves": [folder]}; `templates` says how often a
    pair of each template stands in an epoch; empty: all once, else those it does not name never.
    """

    def __init__(self, spec: dict[str, Any], templates: Mapping[str, int] | None = None) -> None:
        self.templates = wanted = dict(templates or {})
        tables = [_pairs(Path(part["path"]), part["splits"], wanted) for part in spec["pairs"]]
        if not sum(table.num_rows for table in tables):
            raise ReadsError(
                f"no pair to train on: expected pairs of templates {list(wanted) or 'all'} in "
                f"{[(part['path'], part['splits']) for part in spec['pairs']]}. Check --train."
            )
        table = pa.concat_tables(tables).combine_chunks()
        self.pair_ids: list[str] = table["pair_id"].to_pylist()
        self.clip_ids: list[str] = table["clip_id"].to_pylist()
        self.inputs: list[str] = table["input"].to_pylist()
        self.outputs: list[str] = table["output"].to_pylist()
        self.waves = Waves([Path(folder) for folder in spec["waves"]])
        if missing := sorted({clip for clip in self.clip_ids if clip not in self.waves}):
            raise ReadsError(
                f"{len(missing)} clips of the pairs are in no waves cache, e.g. {missing[0]}. "
                "Delete the cache folder and run again: it is rebuilt from the shards."
            )

    def __len__(self) -> int:
        return len(self.pair_ids)

    def order(self, plan: list[dict[str, int]]) -> dict[str, Any]:
        """What is needed beside the seed to say which pairs the steps of `plan` read."""
        return {
            "pairs": len(self),
            "pairs_sha256": self.pairs_sha256,
            "templates": self.templates,
            "plan": plan,
        }

    @property
    def pairs_sha256(self) -> str:
        """sha256 of the pair ids in training order, one a line."""
        return hashlib.sha256("".join(f"{pair}\n" for pair in self.pair_ids).encode()).hexdigest()


def _pairs(path: Path, splits: Sequence[str], templates: Mapping[str, int]) -> pa.Table:
    table = pq.read_table(path, columns=_COLUMNS)
    table = table.filter(pc.is_in(table["split"], pa.array(list(splits), pa.string())))
    if not templates:
        return table
    times = [templates.get(template, 0) for template in table["template"].to_pylist()]
    return table.take(np.repeat(np.arange(table.num_rows), times))


def texts(spec: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Template -> its distinct (input, output) texts, sorted; no sound is opened."""
    tables = [_pairs(Path(part["path"]), part["splits"], {}) for part in spec["pairs"]]
    columns = pa.concat_tables(tables).select(["template", "input", "output"]).to_pydict()
    found: dict[str, list[tuple[str, str]]] = {}
    for template, given, written in sorted(set(zip(*columns.values(), strict=True))):
        found.setdefault(template, []).append((given, written))
    return found
