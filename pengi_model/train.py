"""`python -m pengi_model.train RUN_DIR`: one training, as RUN_DIR/spec.json states it (sec. 4.3).

spec.json: {"stage": "language_model" | "clap" | "pengi" | "pretrained",
"config": {...settings.py...},
"reads": {"pairs": [{"path", "splits"}], "waves": [folder]}, "parents": {name: model folder},
"seed": int, "threads": int}. Prints one JSON line an event; writes order.json (which pairs in which
order), what `progress.py` tells, checkpoints/ and last model/. Under `torchrun` its processes share
every batch. Exit code: 0 trained, 1 error, 2 bad spec, 143 stopped by SIGTERM with a checkpoint.
"""

import fcntl
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from pengi_model import pretrained, ranks, settings
from pengi_model.checkpoint import CheckpointError
from pengi_model.clap_stage import ClapStage
from pengi_model.language_stage import LanguageStage
from pengi_model.loop import MODEL, Loop, OutOfMemory, Pace, Stopped
from pengi_model.pengi_stage import PengiStage
from pengi_model.pretrained import PretrainedError
from pengi_model.ranks import Ranks
from pengi_model.stage import Emit, Stage
from pengi_model.waves import ReadsError

_STOPPED = 143  # 128 + SIGTERM
_FAULTS = (ReadsError, CheckpointError, PretrainedError, OutOfMemory, FloatingPointError)
_FIELDS = {"stage", "config", "reads", "parents", "seed", "threads"}


class SpecError(Exception):
    """spec.json is missing or does not state a training."""


def print_line(event: dict[str, Any]) -> None:
    """One event as a JSON line on stdout."""
    print(json.dumps(event), flush=True)


def train(folder: Path, emit: Emit = print_line) -> None:
    """Train what `folder`/spec.json states, from its last checkpoint; nothing if `model/` is there.

    Raises SpecError, SettingsError, ReadsError, CheckpointError, FloatingPointError, OutOfMemory,
    Stopped.
    """
    spec = read_spec(folder)
    config = settings.settings(spec["stage"], spec["config"])
    with ranks.started() as joined, locked(folder, joined):
        if (folder / MODEL).exists():
            emit({"event": "done", "already": True})
            return
        torch.set_num_threads(spec["threads"])
        if isinstance(config, settings.PretrainedSettings):
            if joined.first:
                pretrained.fetch(config, folder)
                emit({"event": "done"})
            return
        torch.use_deterministic_algorithms(joined.device.type == "cpu")
        torch.set_float32_matmul_precision("high")  # TF32; without effect on a CPU
        stage = built(config, spec, emit, joined)
        if joined.first:
            write_order(folder / "order.json", stage, spec["seed"])
        Loop(stage, folder, spec["seed"], pace(config), emit, identity(spec, stage)).run()


def pace(config: settings.Settings) -> Pace:
    """How often to report, save and validate."""
    names = {each.name for each in fields(Pace)} & {each.name for each in fields(config)}
    return Pace(**{name: getattr(config, name) for name in names})


def identity(spec: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """What a checkpoint must share with the training that resumes it."""
    return {
        "stage": spec["stage"],
        "config": spec["config"],
        "seed": spec["seed"],
        "pairs_sha256": stage.order().get("pairs_sha256", ""),
        "parents": {
            name: sha256(Path(folder) / "model.safetensors")
            for name, folder in spec["parents"].items()
        },
    }


def sha256(path: Path) -> str:
    """Of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_spec(folder: Path) -> dict[str, Any]:
    """spec.json of a run folder; `SpecError` if it is missing or incomplete."""
    path = folder / "spec.json"
    if not path.is_file():
        raise SpecError(f"{folder}: expected spec.json in it, found none. Give a run folder.")
    try:
        spec = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise SpecError(f"{path}: expected JSON, found {error}. Write it again.") from error
    if set(spec) != _FIELDS:
        raise SpecError(f"{path}: expected the fields {sorted(_FIELDS)}, found {sorted(spec)}.")
    return spec


def built(config: settings.Trained, spec: dict[str, Any], emit: Emit, joined: Ranks) -> Stage:
    """The stage of a spec, ready to run; `SpecError` for a batch that its processes can't share."""
    reads, seed = spec["reads"], spec["seed"]
    batches = [config.schedule.batch]
    if isinstance(config, settings.GenerativeSettings) and config.warmup.steps:
        batches.append(config.warmup.batch)
    if odd := [batch for batch in batches if batch % joined.world]:
        raise SpecError(
            f"a batch of {odd[0]} cannot be shared by {joined.world} processes: expected a multiple"
            f" of {joined.world}. Change `batch`, or train with another number of processes."
        )
    if isinstance(config, settings.LanguageSettings):
        return LanguageStage(config, reads, seed, joined)
    if isinstance(config, settings.ContrastiveSettings):
        return ClapStage(config, reads, spec["parents"], seed, emit, joined)
    return PengiStage(config, reads, spec["parents"], seed, emit, joined)


def write_order(path: Path, stage: Stage, seed: int) -> None:
    """Write the order of a stage that reads pairs, so that its steps can be explained later."""
    if value := stage.order():
        path.write_text(json.dumps({"seed": seed, **value}, indent=1) + "\n")


@contextmanager
def locked(folder: Path, joined: Ranks) -> Iterator[None]:
    """Hold the run folder; `SpecError` when another process is training in it."""
    if not joined.first:
        yield
        return
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SpecError(
                f"{folder}: another process is training in it. Wait for it, or stop it first."
            ) from error
        yield


def main(arguments: list[str]) -> int:
    """Command line; the exit code is in the module's docstring."""
    if len(arguments) != 1:
        print("usage: python -m pengi_model.train RUN_DIR", file=sys.stderr)
        return 2
    try:
        train(Path(arguments[0]))
    except Stopped as stopped:
        print_line({"event": "stopped", "reason": str(stopped)})
        return _STOPPED
    except (SpecError, settings.SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    except _FAULTS as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
