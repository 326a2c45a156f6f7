"""A lake with twelve tones, and runs of tiny models that were never trained: nothing is ingested.

Only what is computed is tested on it, not whether it is right about the tones.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from flows.steps.lake import Lake, write_json, write_table
from flows.steps.release import Ingested, make_release
from flows.steps.waves import INDEX
from pengi_model import TINY, Clap, ModelConfig, Pengi
from pengi_model.config import without_text_encoder
from pengi_model.settings import ContrastiveSettings, GenerativeSettings, Schedule
from pengi_model.tokens import end_of, train_tokenizer
from schemas import Benchmark, Release, Run
from schemas.tables import CLIPS, PAIRS, REJECTED, ROWS

RATE = 44_100
LABELS = {"low": "low tone", "high": "high tone", "both": "two tones"}
NOTE = "produced by bass, pitch 60, velocity 75, qualities dark"
_STEP = Schedule(steps=1, batch=1, rate=1e-3)
_PENGI = GenerativeSettings(size="tiny", warmup=_STEP, passes=0, schedule=_STEP, audio_rate=1e-4)
SETTINGS: dict[str, Any] = {
    "clap": ContrastiveSettings(size="tiny", schedule=_STEP, vocabulary=300, positives="diagonal"),
    "pengi": _PENGI,
    "frozen_pengi": replace(_PENGI, audio_rate=0.0),
    "single_task_caption": replace(_PENGI, templates={"audio_captioning": 1}),
    "no_text_encoder": _PENGI,
    "diverged": _PENGI,
}
VARIANTS = {"no_text_encoder": "no_text_encoder"}


class World(NamedTuple):
    """What `evaluate` takes."""

    lake: Lake
    release: Release
    runs: dict[str, Run]

    @property
    def versions(self) -> Ingested:
        return Ingested("tones", "r", "a", "p")


def benchmark(**fields: Any) -> Benchmark:
    """A benchmark of the tones; the default one is matched to three labels."""
    given: dict[str, Any] = {
        "name": "tones",
        "dataset": "tones",
        "title": "Tones",
        "splits": ("fold1", "fold2", "fold3"),
        "prompts": ("this is a sound of", "generate metadata"),
        "truth": "events",
        "scoring": "match",
        "metric": "accuracy",
        "labels": LABELS,
        "n_official": 20,
    }
    return Benchmark.model_validate(given | fields)


def small_world(root: Path) -> World:
    """The lake with a release and all runs of SETTINGS."""
    lake = Lake.create(root)
    stop = Ingested("tones", "r", "a", "p")
    _dataset(lake)
    release = make_release(lake, [stop], {"tones": ("train",)}, {"made": "now"})
    return World(lake, release, {name: _run(lake, release, name) for name in SETTINGS})


def _dataset(lake: Lake) -> None:
    """Four clips in each of three folds and in train; the last row's clip was rejected."""
    draw = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    clips: list[dict[str, Any]] = []
    sounds: list[np.ndarray] = []
    for number in range(16):
        label = list(LABELS)[number % 3]
        pitch = 200.0 * (1 + 7 * (number % 3))
        length = int(RATE * (0.5 + 0.6 * (number % 5)))  # 0.5 to 2.9 s, the window is 2 s
        wave = np.sin(2 * np.pi * pitch * np.arange(length) / RATE)
        sounds.append((9000 * (wave + 0.2 * draw.standard_normal(length))).astype("<i2"))
        split = f"fold{number % 4 + 1}" if number % 4 < 3 else "train"
        rows.append(
            {
                "dataset": "tones",
                "row_id": f"r{number:02}",
                "clip": f"{number}.wav",
                "split": split,
                "events": [label],
                "caption": f"a {LABELS[label]} sounds",
                "question": "is it loud?",
                "answer": "yes",
                "pitch": (60, 61, 62)[number % 3],
            }
        )
        clips.append(
            {"clip_id": f"{number:032x}", "dataset": "tones", "name": f"{number}.wav"}
            | {"samples": length, "seconds": length / RATE}
        )
    write_table(lake.clips("tones", "a"), pa.Table.from_pylist(clips, schema=CLIPS))
    lost = rows[0] | {"row_id": "r99", "clip": "lost.wav"}
    write_table(lake.rows("tones", "r"), pa.Table.from_pylist([*rows, lost], schema=ROWS))
    write_table(lake.pairs("tones", "p"), pa.Table.from_pylist(list(_pairs(rows)), schema=PAIRS))
    for stage, version in (("rows", "r"), ("audio", "a"), ("pairs", "p")):
        write_table(lake.rejected("tones", stage, version), REJECTED.empty_table())
    _waves(lake, sounds)


def _pairs(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    which = {"dataset": "tones", "template": "sound_event_classification", "template_version": 1}
    return [
        which
        | {key: row[key] for key in ("split", "row_id")}
        | {"pair_id": f"{99 - number:032x}", "clip_id": f"{number:032x}"}
        | {"input": "this is a sound of", "output": LABELS[row["events"][0]]}
        for number, row in enumerate(rows)
    ]


def _waves(lake: Lake, sounds: list[np.ndarray]) -> None:
    folder = lake.waves("tones", "a")
    folder.mkdir(parents=True)
    np.concatenate(sounds).tofile(folder / "samples.int16")
    lengths = np.array([len(sound) for sound in sounds])
    ids = [f"{number:032x}" for number in range(len(sounds))]
    index = pa.table([ids, np.cumsum(lengths) - lengths, lengths], schema=INDEX)
    write_table(folder / "index.parquet", index)


def _run(lake: Lake, release: Release, name: str) -> Run:
    stage = "clap" if name == "clap" else "pengi"
    settings = asdict(SETTINGS[name]) | {"variant": VARIANTS.get(name, "pengi")}
    run = Run(
        run_id=f"{name}-1",
        name=name,
        release_id=release.release_id,
        code_sha256="c" * 64,
        config={"stage": stage, "settings": settings},
        parents={} if name == "clap" else {"clap": "clap-1"},
    )
    write_json(lake.run(run.run_id) / "run.json", run.model_dump())
    _model(name).save_pretrained(lake.run(run.run_id) / "model")
    return run


def _model(name: str) -> Clap | Pengi:
    """A model whose weights are large enough to prefer one token to another."""
    tokenizer = train_tokenizer([*LABELS.values(), NOTE, "generate audio caption"], 320)
    end = end_of(tokenizer)
    config: ModelConfig = TINY.with_tokens(len(tokenizer), end, end)
    torch.manual_seed(0)
    clap = Clap(config, tokenizer)
    if name == "clap":
        return clap.eval()
    config = without_text_encoder(config) if name == "no_text_encoder" else config
    model = Pengi(config, tokenizer, tokenizer)
    model.audio_encoder = clap.audio_encoder
    if config.text:
        model.text_encoder = clap.text_encoder
    with torch.no_grad():
        model.language_model.transformer.wte.weight.mul_(8)
        for part, factor in ((model.language_model.transformer.h, 8), (model.audio_mapping, 4)):
            for weight in part.parameters():
                weight.mul_(factor if weight.ndim == 2 else 1)
        if name == "diverged":
            model.audio_encoder.htsat.audio_encoder.norm.weight.fill_(torch.nan)
    assert isinstance(model, nn.Module)
    return model.eval()
