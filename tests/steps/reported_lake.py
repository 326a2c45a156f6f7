"""The scored lake with what a report also shows: sounds, vectors, curves, examples, likelihoods."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

import scored_lake as s
from flows import datasets
from flows.steps.lake import Lake, write_table
from flows.steps.scores import score, texts_needed
from schemas.tables import CLIPS, ROWS

RATE = 44_100
PITCHES = (250.0, 500.0, 1000.0, 2000.0)  # Hz, of clips c0 to c3
SAID = ["dog", "dog", "rain", "dog"]
TRUTH = ["dog", "dog", "rain", "rain"]
HEARD = "generate metadata"
_EXAMPLES = pa.schema(
    dict.fromkeys(
        ("place", "clip_id", "prompt", "additional_text", "answer", "details"), pa.string()
    )
)


def tone(pitch: float, seconds: float = 1.0) -> np.ndarray:
    """int16 samples (n,) at 44.1 kHz."""
    time = np.arange(int(seconds * RATE)) / RATE
    return np.round(12_000 * np.sin(2 * np.pi * pitch * time)).astype(np.int16)


def reported_lake(root: Path) -> Lake:
    """esc50 of run pengi is right for three of four tones; clip c3 is 8 s long."""
    lake = s.scored_lake(root)
    sounds = [tone(pitch, 8.0 if i == 3 else 1.0) for i, pitch in enumerate(PITCHES)]
    write_table(lake.clips("esc50", "a"), _clips(lake, sounds))
    rows = s.rows([{"events": [label], "dataset": "esc50", "split": "fold1"} for label in TRUTH])
    write_table(lake.rows("esc50", "r"), rows.select(ROWS.names))
    _answers(lake, rows)
    _metrics(lake.run("pengi-1") / "metrics.parquet")
    pq.write_table(_examples(), lake.run("pengi-1") / "examples.parquet")
    return lake


def _clips(lake: Lake, sounds: list[np.ndarray]) -> pa.Table:
    folder = lake.audio("esc50", "a")
    lines, shard = [], b""
    for i, samples in enumerate(sounds):
        flac = io.BytesIO()
        soundfile.write(flac, samples, RATE, format="FLAC", subtype="PCM_16")
        place = {"offset": len(shard), "bytes": len(flac.getvalue())}
        shard += flac.getvalue()
        digest = hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()
        name = {"clip_id": f"c{i}", "dataset": "esc50", "name": f"{i}.wav"}
        length = {"samples": len(samples), "seconds": len(samples) / RATE}
        where = {"shard": lake.relative(folder / "shard-00000.tar"), "sample_sha256": digest}
        lines.append(name | place | length | where | {"licence": "CC-BY-NC-3.0"})
    (folder / "shard-00000.tar").write_bytes(shard)
    return pa.Table.from_pylist(lines, schema=CLIPS)


def _answers(lake: Lake, rows: pa.Table) -> None:
    given = pa.concat_tables(
        [
            s.answers("esc50", SAID, HEARD),
            s.answers("esc50", ["rain", "rain", "rain", ""], "this is a sound of"),
        ]
    )
    needed = texts_needed(s.ESC50, given["answer"].to_pylist())
    others = set(datasets.load("esc50").benchmarks[0].labels.values()) - set(needed)
    vectors = s.one_hot([*needed, *sorted(others)])
    lines = score(s.run(), s.ESC50, rows, given, vectors).to_pylist()
    headline = next(line for line in lines if line["headline"])
    read_off = {"protocol": "likelihood", "value": 0.5, "hits": 2, "headline": True}
    wrong = {"metric": "error/label", "value": 0.25, "headline": False}
    table = pa.Table.from_pylist([*lines, headline | read_off, headline | wrong])
    write_table(lake.answers("pengi-1", "esc50-00000000"), given)
    write_table(lake.texts("pengi-1", "esc50-00000000"), vectors)
    scores = lake.scores("pengi-1", "esc50-00000000")
    write_table(scores, table.cast(pq.read_schema(scores)))


def _metrics(path: Path) -> None:
    lines = [
        *((step, "loss", value) for step, value in ((10, 4.0), (20, 2.0), (40, 1.0))),
        *((step, "validation_loss", value) for step, value in ((20, 3.0), (40, 2.5))),
        (40, "loss/audio_qa", 1.25),
        (40, "lr", 0.001),
    ]
    columns = zip(("step", "name", "value"), zip(*lines, strict=True), strict=True)
    pq.write_table(pa.table({name: list(values) for name, values in columns}), path)


def _examples() -> pa.Table:
    tokens = {"ids": [7, 9], "tokens": ["bark", "woof"], "cosines": [0.5, 0.25]}
    lines = [
        {"place": "figure5", "additional_text": "the sound of a pet", "answer": "a <dog> barks"},
        {"place": "table10", "answer": "dog", "details": json.dumps(tokens)},
        {"place": "table2", "clip_id": None, "details": json.dumps({"seconds": [0.25, 5.0]})},
    ]
    empty = {"clip_id": "c0", "prompt": HEARD, "additional_text": ""}
    return pa.Table.from_pylist([empty | line for line in lines], schema=_EXAMPLES)
