"""`python -m pengi_model.train RUN_DIR`: one training, as RUN_DIR/spec.json states it (sec. 4.3).

spec.json: {"stage": "language_model" | "clap" | "pengi", "config": {...settings.py...},
"reads": {"pairs": [{"path", "splits"}], "waves": [folder]}, "parents": {name: model folder},
"seed": int, "threads": int}. Prints one JSON line an event; writes order.json (which pairs in which
order), steps.jsonl (planned steps that really ran), metrics.jsonl, checkpoint.pt and last model/.
Exit code: 0 trained, 1 error, 2 bad spec, 143 stopped by SIGTERM with a checkpoint.
"""

import fcntl
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from pengi_model import settings
from pengi_model.checkpoint import CheckpointError
from pengi_model.clap_stage import ClapStage
from pengi_model.language_stage import LanguageStage
from pengi_model.loop import MODEL, Emit, Loop, Stage, Stopped
from pengi_model.pengi_stage import PengiStage
from pengi_model.reads import ReadsError

_STOPPED = 143  # 128 + SIGTERM
_FIELDS = {"stage", "config", "reads", "parents", "seed", "threads"}


class SpecError(Exception):
    """spec.json is missing or does not state a training."""


def print_line(event: dict[str, Any]) -> None:
    """One event as a JSON line on stdout."""
    print(json.dumps(event), flush=True)


def train(folder: Path, emit: Emit = print_line) -> None:
    """Train what `folder`/spec.json states, from its last checkpoint; nothing if `model/` is there.

    Raises SpecError, SettingsError, ReadsError, CheckpointError, Stopped.
    """
    spec = read_spec(folder)
    config = settings.settings(spec["stage"], spec["config"])
    with locked(folder):
        if (folder / MODEL).exists():
            emit({"event": "done", "already": True})
            return
        torch.set_num_threads(spec["threads"])
        torch.use_deterministic_algorithms(True)
        stage = built(config, spec, emit)
        write_order(folder / "order.json", stage, spec["seed"])
        Loop(stage, folder, spec["seed"], config.report, config.checkpoint, emit).run()


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


def built(config: settings.Settings, spec: dict[str, Any], emit: Emit) -> Stage:
    """The stage of a spec, ready to run."""
    reads, seed = spec["reads"], spec["seed"]
    if isinstance(config, settings.LanguageSettings):
        return LanguageStage(config, reads, seed)
    if isinstance(config, settings.ContrastiveSettings):
        return ClapStage(config, reads, seed, emit)
    return PengiStage(config, reads, spec["parents"], seed, emit)


def write_order(path: Path, stage: Stage, seed: int) -> None:
    """Write the order of a stage that reads pairs, so that its steps can be explained later."""
    if value := stage.order():
        path.write_text(json.dumps({"seed": seed, **value}, indent=1) + "\n")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run folder; `SpecError` when another process is training in it."""
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
    except (ReadsError, CheckpointError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
