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
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from contest import Result, scaled
from pengi_model.pengi_stage import PengiStage
from pengi_model.ranks import started
from pengi_model.settings import SIZES, GenerativeSettings, Schedule
from trainable import parents, world

_ROOT = Path(__file__).parents[2]
_AIM = 2400.0  # clips/s on an H200: then the paper's 204 million presentations take 24 hours
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


def trained(folder: Path, spec: dict[str, Any]) -> tuple[list[float], float]:
    """Clips/s of every report of a training, and its peak in GB: the GPU's, or resident."""
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(spec))
    command = [sys.executable, "-m", "pengi_model.train", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    speeds: list[float] = []
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as trainer:
        assert trainer.stdout is not None
        watched = psutil.Process(trainer.pid)
        for event in map(json.loads, trainer.stdout):
            if event["event"] == "step":
                speeds.append(event["clips_per_s"])
                resident = watched.memory_info().rss / 1e9
                peak = max(peak, event.get("gpu_gb", resident))
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
        speeds, memory = trained(folder / "run", spec)
        operations = flops(spec)
    speed, peak = median(speeds[1:]), _peak(name)
    config = given.settings
    what = f"{config.size}, batches of {config.schedule.batch} on {name}"
    yield Result(
        f"training, {what}: {speed:.4g} clips/s",
        ours=1000 / speed,
        theirs=1000 / _AIM,
        how=f"median of {len(speeds) - 1} reports after the first, reads included; theirs: the aim",
        unit="ms a clip",
        at_least=1.0 if "H200" in name else None,
    )
    used = speed * operations / peak
    yield Result(
        f"model FLOP utilisation, {what}: {100 * used:.3g} %",
        ours=1000 / speed,
        theirs=1000 * operations / peak,
        how=f"{operations / 1e9:.4g} GFLOP a clip by torch's counter; theirs: {peak:.4g} FLOP/s",
        unit="ms a clip",
    )
    whole = _memory()
    how = "theirs: all there is"
    yield Result(f"peak memory, {what}", memory, whole, how, unit="GB")


def _peak(name: str) -> float:
    """FLOP/s of a named GPU, else what a product of float32 matrices reaches here."""
    for part, known in _PEAKS.items():
        if part in name:
            return known
    side = 1024
    matrix = torch.rand(side, side, device="cuda" if torch.cuda.is_available() else "cpu")
    return (
        2
        * side**3
        / Timer("matrix @ matrix", globals={"matrix": matrix}).blocked_autorange().median
    )


def _memory() -> float:
    """GB of the device."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_properties(0).total_memory / 1e9
    return psutil.virtual_memory().total / 1e9
