"""The yardstick of the pair bench: the same mapping as a plain Python loop over the rows.

What one would write first: Parquet in by batches, a dictionary of clips, f-strings, hashlib, a
sort, Parquet out. With `checked`, each pair also goes through a pydantic model.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from schemas import TEMPLATES, Dataset
from schemas.tables import PAIRS, REJECTED

Line = dict[str, Any]
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


class Pair(BaseModel):
    """One line of PAIRS."""

    pair_id: str
    clip_id: str
    dataset: str
    split: str
    row_id: str
    template: str
    template_version: int
    input: str
    output: str


def build(
    dataset: Dataset, rows: Path, clips: Path, out: Path, left: Path, checked: bool = False
) -> int:
    """Write the pairs and rejections of one dataset; the number of pairs."""
    names = pq.read_table(clips, columns=["name", "clip_id"]).to_pydict()
    known = dict(zip(names["name"], names["clip_id"], strict=True))
    pairs: list[Line] = []
    rejected: list[Line] = []
    asked = 0
    facts = {fact for name in dataset.templates for fact in (*TEMPLATES[name].needs, "tags")}
    columns = ["dataset", "row_id", "clip", "split", *sorted(facts)]
    for batch in pq.ParquetFile(rows).iter_batches(columns=columns):
        for row in batch.to_pylist():
            for name in dataset.templates:
                asked += 1
                line = _pair(row, name, known.get(row["clip"]))
                (rejected if "reason" in line else pairs).append(line)
    if checked:
        pairs = [Pair.model_validate(pair).model_dump() for pair in pairs]
    pairs.sort(key=lambda pair: (pair["clip_id"], pair["template"], pair["row_id"]))
    assert asked == len(pairs) + len(rejected)
    assert len({pair["pair_id"] for pair in pairs}) == len(pairs)
    pq.write_table(pa.Table.from_pylist(pairs, PAIRS), out, compression="zstd")
    pq.write_table(pa.Table.from_pylist(rejected, REJECTED), left, compression="zstd")
    return len(pairs)


def _pair(row: Line, name: str, clip_id: str | None) -> Line:
    template = TEMPLATES[name]
    said = None if clip_id is None else _said(row, name)
    if clip_id is None or said is None:
        reason = "clip_not_available" if clip_id is None else "row_lacks_fact"
        detail = f"clip {row['clip']!r}" if clip_id is None else f"needs {template.needs}"
        place = {"dataset": row["dataset"], "stop": "pairs", "kind": "row"}
        return place | {"subject": row["row_id"], "reason": reason, "detail": detail}
    output = _clean(said).rstrip(". ")
    text = template.input
    if name == "audio_qa":
        text = _clean(text.replace("{question}", row["question"]))
    identity = "\x1f".join((clip_id, row["row_id"], name, str(template.version), text, output))
    return {
        "pair_id": hashlib.sha256(identity.encode()).hexdigest()[:32],
        "clip_id": clip_id,
        "dataset": row["dataset"],
        "split": row["split"],
        "row_id": row["row_id"],
        "template": name,
        "template_version": template.version,
        "input": text,
        "output": output,
    }


def _said(row: Line, name: str) -> str | None:
    if any(row[fact] is None for fact in TEMPLATES[name].needs):
        return None
    match name:
        case "sound_event_classification":
            return ", ".join(row["events"])
        case "audio_qa":
            return row["answer"]
        case "music_analysis":
            said = (
                f"this is a sound of music in language {row['language']} and genre {row['genre']}"
            )
            return said + (
                f". The associated tags are {', '.join(row['tags'])}" * bool(row["tags"])
            )
        case "music_note_analysis":
            qualities = " ".join(row["qualities"])
            said = f"produced by {row['instrument']}, pitch {row['pitch']}"
            said += f", velocity {row['velocity']}"
            return said + (f", qualities {qualities}" if qualities else ", no qualities")
        case _:
            return row[TEMPLATES[name].needs[0]]


def _clean(text: str) -> str:
    return _BLANKS.sub(" ", text.lower()).strip()


def ids(path: Path) -> Iterator[str]:
    """The pair ids of a file, in its order."""
    for batch in pq.ParquetFile(path).iter_batches(columns=["pair_id"]):
        yield from batch["pair_id"].to_pylist()
