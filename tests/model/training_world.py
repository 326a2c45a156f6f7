"""A few seconds of synthetic sound with pairs and waves cache, as the lake would hold them."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file

from pengi_model.settings import (
    Augment,
    ContrastiveSettings,
    GenerativeSettings,
    LanguageSettings,
    Schedule,
    Settings,
)
from pengi_model.train import train

TONES = {"low tone": 200.0, "high tone": 3000.0}
RATE = 44_100
AUGMENT = Augment(roll=True, gain=3.0, tilt=3.0, noise=1.0, masks=1, time_mask=0.1, mel_mask=0.1)
LANGUAGE = LanguageSettings(
    size="tiny",
    schedule=Schedule(steps=60, batch=16, rate=3e-3, warmup=5),
    vocabulary=300,
    copied=0.8,
)
CLAP = ContrastiveSettings(
    size="tiny",
    schedule=Schedule(steps=6, batch=4, rate=1e-3, warmup=1, decay=0.05),
    vocabulary=300,
    positives="same_text",
    augment=AUGMENT,
    report=2,
    checkpoint=2,
)
PENGI = GenerativeSettings(
    size="tiny",
    warmup=Schedule(steps=40, batch=8, rate=2e-3, warmup=5),
    passes=1,
    schedule=Schedule(steps=3, batch=4, rate=5e-4),
    audio_rate=1e-4,
    augment=AUGMENT,
    report=2,
    checkpoint=2,
)


def build(folder: Path, clips: int = 6, spread: bool = False, longest: int = 3) -> dict[str, Any]:
    """Write pairs.parquet and a waves folder; return the `reads` of a spec over split train.

    Ids count up, or where `spread` are as far apart as hashes. Clips are 1 to `longest` seconds.
    """
    waves = folder / "waves"
    waves.mkdir(parents=True)
    index: list[dict[str, Any]] = []
    pairs: list[dict[str, str]] = []
    draw = np.random.default_rng(0)
    sounds, start = [], 0
    for number in range(clips):
        label = list(TONES)[number % 2]
        length = RATE * (1 + number % longest)  # tiled and cropped
        wave = np.sin(2 * np.pi * TONES[label] * np.arange(length) / RATE)
        sounds.append((9000 * (wave + 0.1 * draw.standard_normal(length))).astype("<i2"))
        clip = f"{number * 2654435761 % 2**32 if spread else 0:08x}{number:024x}"
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


def quiet(event: dict[str, Any]) -> None:
    """Show nothing."""


def stop_at(step: int) -> Callable[[dict[str, Any]], None]:
    """An emit that sends this process SIGTERM once the step is reported."""

    def emit(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return emit


@dataclass
class World:
    folder: Path
    reads: dict[str, Any]

    def spec(self, name: str, stage: str, config: Settings) -> Path:
        parents = {}
        if stage == "pengi":
            parents = {key: self.folder / key / "model" for key in ("clap", "language_model")}
        return write_spec(self.folder / name, stage, config, self.reads, **parents)


def trained(folder: Path, language: Settings = LANGUAGE, clap: Settings = CLAP) -> World:
    """A world whose `language_model` and `clap` are there for others to start from."""
    made = World(folder, build(folder / "data"))
    train(made.spec("language_model", "language_model", language), quiet)
    train(made.spec("clap", "clap", clap), quiet)
    return made


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")
