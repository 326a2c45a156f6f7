"""Training end to end, reads included, as fast as this device can: `make bench-gpu`.

With a GPU PAPER, bfloat16 and compiled, and a batch of 384 (sec. 4.3); without one TINY, enough to
see that it runs. Each process of a training is `pengi_model.train` on pairs and waves of noise.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import torch
from torch.utils.flop_counter import FlopCounterMode

from contest import Result, scaled
from pengi_model.pengi_stage import PengiStage
from pengi_model.ranks import started
from pengi_model.settings import SIZES, GenerativeSettings, Schedule
from trainable import parents, world

_ROOT = Path(__file__).parents[2]
_H200_AIM = 2400.0  # clips/s: then the paper's 204 million presentations take 24 hours
# FLOP/s of dense bfloat16, by a part of the device's name (NVIDIA's data sheets)
_PEAKS = {"H100": 989e12, "H200": 989e12}


@dataclass(frozen=True)
class Load:
    """How much is trained here."""

    clips: int
    steps: int
    settings: GenerativeSettings


def load() -> Load:
    """What suits the device."""
    gpu = torch.cuda.is_available()
    batch = 384 if gpu else scaled(64, least=4)
    steps = scaled(60, least=6)
    settings = GenerativeSettings(
        size="paper" if gpu else "tiny",
        warmup=Schedule(steps=0, batch=batch, rate=1e-3),
        passes=0,
        schedule=Schedule(steps=steps, batch=batch, rate=1e-4),
        audio_rate=1e-4,
        keep_mels=False,
        loaders=4 if gpu else 1,
        report=max(1, steps // 6),
        checkpoint=steps,
        bfloat16=gpu,
        compile=gpu,
    )
    return Load(2 * batch, steps, settings)


def trained(folder: Path, spec: dict[str, Any]) -> tuple[list[float], int]:
    """Clips/s of every report of a training, and its peak of resident bytes where no GPU is."""
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(spec))
    command = [sys.executable, "-m", "pengi_model.train", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    speeds: list[float] = []
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as trainer:
        assert trainer.stdout is not None
        watched = psutil.Process(trainer.pid)
        for event in map(json.loads, trainer.stdout):
            if event["event"] == "step":
                speeds.append(event["clips_per_s"])
                peak = max(peak, event.get("gpu_bytes", 0), watched.memory_info().rss)
    if trainer.returncode:
        raise RuntimeError(f"the trainer ended with code {trainer.returncode}")
    return speeds, peak


def flops(spec: dict[str, Any]) -> float:
    """Floating-point operations of one clip's forward and backward pass, as torch counts them."""
    settings = replace(load().settings, compile=False)
    with started() as joined, FlopCounterMode(display=False) as counted:
        stage = PengiStage(
            settings, spec["reads"], spec["parents"], spec["seed"], lambda event: None, joined
        )
        before = counted.get_total_flops()
        stage.backward(0, stage.prepare(0))
    return (counted.get_total_flops() - before) / settings.schedule.batch


def benches() -> Iterator[Result]:
    given = load()
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    size = SIZES[given.settings.size]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        reads = world(folder / "data", given.clips, size.window_seconds + 3)
        spec = {
            "stage": "pengi",
            "config": asdict(given.settings),
            "reads": reads,
            "parents": parents(folder, reads, size),
            "seed": 1,
            "threads": 1,
        }
        speeds, peak = trained(folder / "run", spec)
        operations = flops(spec)
    speed = median(speeds[1:])
    what = f"{given.settings.size} of {given.settings.schedule.batch} clips on {name}"
    how = f"median of {len(speeds) - 1} reports after the first, reads included; theirs: the aim"
    yield Result(f"training speed, {what}", speed, _H200_AIM, how, unit="clips/s")
    done = speed * operations
    top = next((peak for part, peak in _PEAKS.items() if part in name), None)
    how = f"{operations / 1e9:.4g} GFLOP a clip by torch's counter; theirs: "
    how += f"the device's {top / 1e12:g} TFLOP/s" if top else "itself, the device's is not known"
    yield Result(f"model FLOP/s, {what}", done / 1e12, (top or done) / 1e12, how, unit="TFLOP/s")
    kind = "GPU memory" if torch.cuda.is_available() else "memory of the trainer"
    whole = _memory()
    how = f"peak {kind}; theirs: all there is"
    yield Result(f"memory, {what}", peak / 1e9, whole / 1e9, how, unit="GB")


def _memory() -> int:
    if torch.cuda.is_available():
        return torch.cuda.get_device_properties(0).total_memory
    return psutil.virtual_memory().total
