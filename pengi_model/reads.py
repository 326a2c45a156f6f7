"""Training reads: pairs files joined with the int16 waves cache, addressed by pair position.

A position counts the pairs of a training before shuffling: the files in the order given, rows as
they stand, kept where the split is wanted and as often as their template is. Texts and clips are
columns of numbers, so that millions of pairs cost a few arrays and a batch is a few gathers.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pengi_model.waves import ReadsError, Waves

_COLUMNS = ["pair_id", "clip_id", "dataset", "split", "template", "input", "output"]
Integers = NDArray[np.int64]


class Reads:
    """The pairs of one training and their sounds.

    spec: {"pairs": [{"path", "splits"}], "waves": [folder]}; `templates` says how often a pair of
    each template stands in an epoch; empty: all once, else those it does not name never.
    `held_out` is the share of clips kept for validation: those whose id, as a number, is smallest.
    """

    def __init__(
        self,
        spec: dict[str, Any],
        templates: Mapping[str, int] | None = None,
        held_out: float = 0.0,
    ) -> None:
        self.wanted, self.held_out = dict(templates or {}), held_out
        found = [_pairs(Path(part["path"]), part["splits"], self.wanted) for part in spec["pairs"]]
        if not sum(len(rows) for _, rows in found):
            raise ReadsError(
                f"no pair to train on: expected pairs of templates {list(self.wanted) or 'all'} in "
                f"{[(part['path'], part['splits']) for part in spec['pairs']]}. Check --train."
            )
        table = pa.concat_tables([table for table, _ in found])
        starts = np.cumsum([0, *[table.num_rows for table, _ in found]])
        rows = np.concatenate(
            [rows + start for (_, rows), start in zip(found, starts, strict=False)]
        )
        self._pair_ids = table["pair_id"].combine_chunks()
        self.clips, clip_of = _numbered(table["clip_id"])
        self.inputs, input_of = _numbered(table["input"])
        self.outputs, output_of = _numbered(table["output"])
        self.templates, template_of = _numbered(table["template"])
        kept = ~_held(self.clips, held_out)[clip_of]
        self.validation = np.flatnonzero(~kept)  # rows, each once
        self.rows = rows[kept[rows]]  # position -> row
        self._columns = (clip_of, input_of, output_of, template_of)
        self.waves = Waves([Path(folder) for folder in spec["waves"]], self.clips)

    def __len__(self) -> int:
        return len(self.rows)

    def pair_ids(self, rows: Integers) -> list[str]:
        """Ids of the pairs in these rows."""
        return self._pair_ids.take(pa.array(rows)).to_pylist()

    def clip_of(self, rows: Integers) -> Integers:
        """Places in `clips`, of rows."""
        return self._columns[0][rows]

    def input_of(self, rows: Integers) -> Integers:
        """Places in `inputs`, of rows."""
        return self._columns[1][rows]

    def output_of(self, rows: Integers) -> Integers:
        """Places in `outputs`, of rows."""
        return self._columns[2][rows]

    def template_of(self, rows: Integers) -> Integers:
        """Places in `templates`, of rows."""
        return self._columns[3][rows]

    def order(self, plan: list[dict[str, int]]) -> dict[str, Any]:
        """What is needed beside the seed to say which pairs the steps of `plan` read."""
        return {
            "pairs": len(self),
            "pairs_sha256": self.pairs_sha256,
            "templates": self.wanted,
            "held_out": self.held_out,
            "plan": plan,
        }

    @cached_property
    def pairs_sha256(self) -> str:
        """sha256 of the pair ids in training order, one a line."""
        digest = hashlib.sha256()
        for block in np.array_split(self.rows, len(self) // 100_000 + 1):
            digest.update("".join(f"{pair}\n" for pair in self.pair_ids(block)).encode())
        return digest.hexdigest()


def _numbered(column: pa.ChunkedArray) -> tuple[list[str], Integers]:
    """The distinct values in the order they come, and every row's place among them."""
    coded = column.combine_chunks().dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)


def _held(clips: Sequence[str], share: float) -> NDArray[np.bool_]:
    """Which clips are for validation: the first 32 bits of the id under `share` of 2**32."""
    if not share:
        return np.zeros(len(clips), bool)
    return np.array([int(clip[:8], 16) < share * 2**32 for clip in clips])


def _pairs(
    path: Path, splits: Sequence[str], templates: Mapping[str, int]
) -> tuple[pa.Table, Integers]:
    """The pairs of these splits, and their rows as often as the templates say."""
    table = pq.read_table(path, columns=_COLUMNS)
    table = table.filter(pc.is_in(table["split"], pa.array(list(splits), pa.string())))
    if templates:
        wanted = [name for name, times in templates.items() if times]
        table = table.filter(pc.is_in(table["template"], pa.array(wanted, pa.string())))
    names, which = _numbered(table["template"])
    times = np.array([templates.get(name, 1) for name in names], np.int64)
    return table, np.repeat(np.arange(table.num_rows), times[which])


def texts(spec: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Template -> its distinct (input, output) texts, sorted; no sound is opened."""
    tables = [_pairs(Path(part["path"]), part["splits"], {})[0] for part in spec["pairs"]]
    columns = pa.concat_tables(tables).select(["template", "input", "output"]).to_pydict()
    found: dict[str, list[tuple[str, str]]] = {}
    for template, given, written in sorted(set(zip(*columns.values(), strict=True))):
        found.setdefault(template, []).append((given, written))
    return found
