"""Model folders: config.json, model.safetensors, and the tokenizers."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, TypeVar

from safetensors.torch import load_model, save_model
from torch import nn
from transformers import PreTrainedTokenizerFast

from pengi_model.config import ModelConfig

Model = TypeVar("Model", bound=nn.Module)
_FORMAT = 1
_PROMPT = "prompt_tokenizer"


class CheckpointError(Exception):
    """A folder that holds no such model, or is in the way of a new one."""


def save(model: Any, path: Path) -> None:
    """Write a new folder, under its final name only when complete; same model, same bytes."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise CheckpointError(
            f"{path} exists and is not empty; expected a new folder for the model. "
            "Delete it or give another path."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as temporary:
        folder = Path(temporary) / path.name
        folder.mkdir()
        values = {"format": _FORMAT, "kind": model.kind, "config": model.config.to_dict()}
        (folder / "config.json").write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")
        save_model(model, str(folder / "model.safetensors"))
        (folder / "model.safetensors").chmod(0o644)  # safetensors makes it private
        if model.tokenizer is not None:
            model.tokenizer.save_pretrained(folder)
        if model.prompt_tokenizer not in (None, model.tokenizer):
            model.prompt_tokenizer.save_pretrained(folder / _PROMPT)
        os.replace(folder, path)


def load(model_class: type[Model], path: Path) -> Model:
    """The model of a folder written by `save`, in eval mode."""
    config = read_config(path, model_class.kind)  # type: ignore[attr-defined]
    tokenizer = _tokenizer(path)
    model = model_class(config, tokenizer)
    if model.kind == "pengi":
        model.prompt_tokenizer = _tokenizer(path / _PROMPT) or tokenizer  # type: ignore[assignment]
    load_model(model, str(path / "model.safetensors"))
    return model.eval()


def read_config(path: Path, kind: str) -> ModelConfig:
    """The configuration of a model folder; `CheckpointError` if it is not one of this kind."""
    file = path / "config.json"
    if not file.is_file():
        raise CheckpointError(
            f"{path} is not a model folder: expected config.json in it, found none. Give a folder "
            "written by save_pretrained, or use Pengi.from_released for a released .pth file."
        )
    values = json.loads(file.read_text())
    found = (values.get("kind"), values.get("format"))
    if found != (kind, _FORMAT):
        raise CheckpointError(
            f"{file}: expected kind {kind!r} and format {_FORMAT}, found {found[0]!r} and "
            f"{found[1]!r}. Load it with the class and version that wrote it."
        )
    return ModelConfig.from_dict(values["config"])


def _tokenizer(folder: Path) -> PreTrainedTokenizerFast | None:
    if not (folder / "tokenizer.json").is_file():
        return None
    return PreTrainedTokenizerFast.from_pretrained(folder)
