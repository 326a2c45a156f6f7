"""A few seconds of synthetic sound with pairs and waves cache, as the lake would hold them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pengi_model.settings import Settings

TONES = {"low tone": 200.0, "high tone": 3000.0}
RATE = 44_100


def build(folder: Path, clips: int = 6) -> dict[str, Any]:
    """Write pairs.parquet and a waves folder; return the `reads` of a spec over split train."""
    waves = folder / "waves"
    waves.mkdir(parents=True)
    index: list[dict[str, Any]] = []
    pairs: list[dict[str, str]] = []
    draw = np.random.default_rng(0)
    sounds, start = [], 0
    for number in range(clips):
        label = list(TONES)[number % 2]
        length = RATE * (1 + number % 3)  # 1 to 3 s: tiled and cropped
        wave = np.sin(2 * np.pi * TONES[label] * np.arange(length) / RATE)
        sounds.append((9000 * (wave + 0.1 * draw.standard_normal(length))).astype("<i2"))
        clip = f"{number:032x}"
        index.append({"clip_id": clip, "start": start, "length": length})
        start += length
        pairs.append(
            {
                "pair_id": f"{number + 100:032x}",
                "clip_id": clip,
                "dataset": "tones",
                "split": "train" if number < clips - 1 else "test",
                "template": "sound_event_classification",
                "input": "this is a sound of",
                "output": label,
            }
        )
    np.concatenate(sounds).tofile(waves / "samples.int16")
    pq.write_table(pa.Table.from_pylist(index), waves / "index.parquet")
    pq.write_table(pa.Table.from_pylist(pairs), folder / "pairs.parquet")
    path = str(folder / "pairs.parquet")
    return {"pairs": [{"path": path, "splits": ["train"]}], "waves": [str(waves)]}


def write_spec(
    folder: Path, stage: str, config: Settings, reads: dict[str, Any], **parents: Path
) -> Path:
    """A run folder with its spec.json."""
    folder.mkdir(parents=True)
    spec = {
        "stage": stage,
        "config": asdict(config),
        "reads": reads,
        "parents": {name: str(path) for name, path in parents.items()},
        "seed": 3,
        "threads": 1,
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    return folder
