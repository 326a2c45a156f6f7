"""Model folders: config.json, model.safetensors, the tokenizers and a model card.

Weights are read once, into the model itself: loading takes the memory of one copy.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_model
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from pengi_model.config import ModelConfig

Model = TypeVar("Model", bound=nn.Module)
State = dict[str, torch.Tensor]
_FORMAT = 1
_PROMPT = "prompt_tokenizer"
_NO_CARD = "Data release and results: not recorded by whoever saved it.\n"


class CheckpointError(Exception):
    """A folder or file that holds no such model, or is in the way of a new one."""


def save(model: Any, path: Path, card: str = "") -> None:
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
        (folder / "README.md").write_text(_card(model, card))
        os.replace(folder, path)


def _card(model: Any, card: str) -> str:
    name = type(model).__name__
    count = sum(weight.numel() for weight in model.parameters())
    return (
        f"# {name}\n\nA `{model.kind}` of the reproduction of *Pengi: An Audio Language Model for "
        f"Audio Tasks*, {count:,} parameters; its configuration is in config.json. Load it with "
        f"`{type(model).__module__}.{name}.from_pretrained(folder)`.\n\n{card or _NO_CARD}"
    )


def load(model_class: type[Model], path: Path) -> Model:
    """The model of a folder written by `save`, in eval mode."""
    config = read_config(path, model_class.kind)  # type: ignore[attr-defined]
    tokenizer = _tokenizer(path)
    with without_weights():
        model = model_class(config, tokenizer)
    if model.kind == "pengi":
        model.prompt_tokenizer = _tokenizer(path / _PROMPT) or tokenizer  # type: ignore[assignment]
    file = path / "model.safetensors"
    state = _stored(file)
    for copy, original in _tied(model).items():  # safetensors keeps one of them, by alphabet
        if copy in state:
            state.setdefault(original, state.pop(copy))
    if found := differences(model, state):
        raise CheckpointError(
            f"{file}: expected the entries that its config.json describes, found differences: "
            f"{found}. Copy the folder again from where it was written."
        )
    fill(model, state)
    return model.eval()


@contextmanager
def without_weights() -> Iterator[None]:
    """Modules made inside have parameters without memory, for `fill`; buffers are as ever."""

    def weightless(_module: nn.Module, _name: str, value: nn.Parameter | None) -> Any:
        return None if value is None else nn.Parameter(value.to("meta"), value.requires_grad)

    hook = register_module_parameter_registration_hook(weightless)
    try:
        yield
    finally:
        hook.remove()


def differences(model: nn.Module, state: State) -> str:
    """Missing, unexpected and wrongly shaped names, five of each kind; empty where it fits."""
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    tied = _tied(model)
    shapes = [
        f"{name} {tuple(state[name].shape)}, expected {shape}"
        for name, shape in own.items()
        if name in state and tuple(state[name].shape) != shape
    ]
    kinds = {
        "missing": [name for name in own if name not in state and name not in tied],
        "unexpected": [name for name in state if name not in own],
        "other shape": shapes,
    }
    return "; ".join(
        f"{kind}: {len(names)} ({', '.join(names[:5])})" for kind, names in kinds.items() if names
    )


def fill(model: nn.Module, state: State) -> None:
    """Make the tensors of a state without `differences` the model's own, in the model's types."""
    own = model.state_dict()
    typed = {name: value.to(own[name].dtype) for name, value in state.items()}
    model.load_state_dict(typed, strict=False, assign=True)
    for part in model.modules():
        if isinstance(part, PreTrainedModel):
            part.tie_weights()


def _tied(model: nn.Module) -> dict[str, str]:
    """Names of weights that are those of another name, with that name."""
    return {
        f"{prefix}.{copy}": f"{prefix}.{original}"
        for prefix, part in model.named_children()
        if isinstance(part, PreTrainedModel)
        for copy, original in part.get_expanded_tied_weights_keys().items()
    }


def _stored(file: Path) -> State:
    """The tensors of a file. It is opened anew for each: what was read does not stay mapped."""
    if not file.is_file():
        raise CheckpointError(f"{file}: expected the model's weights, found no such file.")
    try:
        with safe_open(file, "pt") as weights:
            names = list(weights.keys())
        return {name: _read(file, name) for name in names}
    except SafetensorError as error:
        raise CheckpointError(
            f"{file}: expected a complete safetensors file, found: {error}. Copy it again."
        ) from error


def _read(file: Path, name: str) -> torch.Tensor:
    with safe_open(file, "pt") as weights:
        return weights.get_tensor(name).clone()


def read_config(path: Path, kind: str) -> ModelConfig:
    """The configuration of a model folder; `CheckpointError` if it is not one of this kind."""
    file = path / "config.json"
    if not file.is_file():
        raise CheckpointError(
            f"{path} is not a model folder: expected config.json in it, found none. Give a folder "
            "written by save_pretrained, or use Pengi.from_released for a released .pth file."
        )
    try:
        values = json.loads(file.read_text())
        found = (values.get("kind"), values.get("format"))
        if found == (kind, _FORMAT):
            return ModelConfig.from_dict(values["config"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{file}: expected a configuration of this version, found: {error!r}. "
            "Load it with the version that wrote it, or copy it again."
        ) from error
    raise CheckpointError(
        f"{file}: expected kind {kind!r} and format {_FORMAT}, found {found[0]!r} and "
        f"{found[1]!r}. Load it with the class and version that wrote it."
    )


def _tokenizer(folder: Path) -> PreTrainedTokenizerFast | None:
    if not (folder / "tokenizer.json").is_file():
        return None
    return PreTrainedTokenizerFast.from_pretrained(folder)
