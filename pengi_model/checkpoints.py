"""Checkpoints of one training: written whole or not at all; the newest few and the best stay."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pengi_model.checkpoint import CheckpointError

FOLDER = "checkpoints"
BEST = "best.pt"
_SPARE = 1 << 20  # bytes a file system wants beside the data


class Checkpoints:
    """`folder`/checkpoints/<step>.pt, of one training: `identity` is what must not change."""

    def __init__(self, folder: Path, identity: dict[str, Any], keep: int) -> None:
        self.folder, self.keep = folder / FOLDER, keep
        self.identity = json.dumps(identity, sort_keys=True)
        self.best: float | None = None

    def save(self, step: int, state: dict[str, Any], validation: float | None = None) -> None:
        """Write one, then drop the oldest; `CheckpointError` leaves those that are there."""
        self.folder.mkdir(exist_ok=True)
        self._room(state)
        better = validation is not None and (self.best is None or validation < self.best)
        self.best = validation if better else self.best
        path = self.folder / f"{step:09d}.pt"
        part = path.with_suffix(".tmp")
        try:
            with part.open("wb") as file:
                torch.save({**state, "identity": self.identity, "best": self.best}, file)
                file.flush()
                os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:  # torch hides a full disk in a RuntimeError
            part.unlink(missing_ok=True)
            raise CheckpointError(f"{path}: not written ({error}). {self._intact()}") from error
        part.replace(path)
        if better:
            shutil.copyfile(path, part)
            part.replace(self.folder / BEST)
        for old in self._paths()[: -self.keep]:
            old.unlink()

    def newest(self, device: torch.device) -> dict[str, Any] | None:
        """The last one written, or None; `CheckpointError` if it is of another training."""
        for leftover in self.folder.glob("*.tmp"):
            leftover.unlink(missing_ok=True)
        if not (paths := self._paths()):
            return None
        state = torch.load(paths[-1], map_location=device, weights_only=True)
        if state["identity"] != self.identity:
            raise CheckpointError(
                f"{paths[-1]} is of another training: "
                f"{_difference(json.loads(state['identity']), json.loads(self.identity))}. "
                f"Put back what it was made with, or delete {self.folder} to begin again."
            )
        self.best = state["best"]
        return state

    def clear(self) -> None:
        """Drop all but the best."""
        for path in self._paths():
            path.unlink()
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.pt"))

    def _room(self, state: dict[str, Any]) -> None:
        needed = _bytes(state) + _SPARE
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise CheckpointError(
                f"{self.folder}: a checkpoint needs {needed / 1e9:.2f} GB, found {free / 1e9:.2f} "
                f"GB free. {self._intact()}"
            )

    def _intact(self) -> str:
        paths = self._paths()
        last = f"The last checkpoint, {paths[-1].name}, is intact" if paths else "There is none yet"
        return f"{last}: free some space and run again."


def _bytes(value: Any) -> int:
    """Bytes of all tensors in a state."""
    if isinstance(value, Tensor):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, list | tuple) else 0


def _difference(before: dict[str, Any], now: dict[str, Any], at: str = "") -> str:
    """Where two identities differ: "config.schedule.rate was 0.001, is 0.002"."""
    told: list[str] = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            told += [inner] if (inner := _difference(old, new, f"{at}{name}.")) else []
        elif old != new:
            told.append(f"{at}{name} was {old!r}, is {new!r}")
    return "; ".join(told)
