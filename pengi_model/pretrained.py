"""Stage `pretrained`: the paper's GPT-2 and CLIP text encoder from a hub (sec. 3.2).

Files come at one commit, through huggingface_hub's cache (HF_ENDPOINT, HF_HOME, HF_TOKEN), are
hashed against the hub's own hash of them, and become a model folder of ours. Weights are read from
safetensors, or from a pickle of plain tensors.
"""

import hashlib
import json
import os
import pickle
import re
from pathlib import Path
from typing import Any, Self

import httpx
import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError
from safetensors.torch import load_file
from torch import nn
from transformers import AutoTokenizer

from pengi_model import checkpoint
from pengi_model.config import ModelConfig
from pengi_model.encoders import TextEncoder
from pengi_model.language_stage import Language
from pengi_model.settings import SIZES, PretrainedSettings

FILES = "files.json"  # what came, in the run folder
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")
# Computed by newer transformers, or of the half that is not ours (the image tower).
_LEFT = re.compile(
    r"\.attn\.(masked_)?bias$|position_ids$|^(vision_model|visual_projection)\.|^logit_scale$"
)
_RENAMES = {
    "language_model": (
        (r"^(?!transformer\.|lm_head\.)", "transformer."),
        (r"^", "language_model."),
    ),
    "text_encoder": ((r"^text_model\.", "clip."), (r"^text_projection\.", "clip_projection.")),
}
State = dict[str, torch.Tensor]


class PretrainedError(Exception):
    """A model that the hub does not give, or that is not what was expected."""


class TextTower(nn.Module):
    """CLIP's text encoder up to its own projection, with its tokenizer."""

    kind = "text_encoder"

    def __init__(self, config: ModelConfig, tokenizer: Any = None) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = self.prompt_tokenizer = tokenizer
        whole = TextEncoder(config)
        self.clip, self.clip_projection = whole.clip, whole.clip_projection

    def save_pretrained(self, path: Path) -> None:
        """Write config.json, model.safetensors and the tokenizer into a new folder."""
        checkpoint.save(self, path)

    @classmethod
    def from_pretrained(cls, path: Path | str) -> Self:
        """The model of a folder written by `save_pretrained`, in eval mode."""
        return checkpoint.load(cls, Path(path))


def fetch(settings: PretrainedSettings, folder: Path) -> None:
    """Fetch the model into `folder`/model, and what its files hashed to into files.json.

    Raises PretrainedError.
    """
    config = SIZES[settings.size]
    paths = _files(settings)
    lines = [_hashed(name, path) for name, path in sorted(paths.items())]
    _check_shape(settings, json.loads(paths["config.json"].read_text()), config)
    tokenizer = AutoTokenizer.from_pretrained(paths["config.json"].parent)
    if settings.part == "language_model":
        tokenizer.add_special_tokens({"pad_token": "!"})  # id 0 of GPT-2, as released
        model: Language | TextTower = Language(config, tokenizer)
    else:
        model = TextTower(config, tokenizer)
    _fill(settings, model, _state(next(paths[name] for name in _WEIGHTS if name in paths)))
    (folder / FILES).write_text(json.dumps(lines, indent=1) + "\n")
    model.save_pretrained(folder / "model")


def _files(settings: PretrainedSettings) -> dict[str, Path]:
    """Name -> path in the hub's cache of what the model needs."""
    found = {"config.json": _needed(settings, "config.json")}
    found |= {name: path for name in _TOKENIZER if (path := _download(settings, name))}
    for name in _WEIGHTS:
        if path := _download(settings, name):
            return found | {name: path}
    raise _absent(settings, " or ".join(_WEIGHTS))


def _needed(settings: PretrainedSettings, name: str) -> Path:
    if path := _download(settings, name):
        return path
    raise _absent(settings, name)


def _absent(settings: PretrainedSettings, name: str) -> PretrainedError:
    return PretrainedError(
        f"{settings.hub} at {settings.revision}: expected {name}, found no such file. Give a "
        "revision in flows/runs.py that has it."
    )


def _download(settings: PretrainedSettings, name: str) -> Path | None:
    """The file in the cache; None where the revision has no such file."""
    endpoint = os.environ.get("HF_ENDPOINT")
    where = f"{settings.hub} at {settings.revision}"
    try:
        found = hf_hub_download(settings.hub, name, revision=settings.revision, endpoint=endpoint)
    except LocalEntryNotFoundError as error:  # an EntryNotFoundError, too, of another meaning
        raise PretrainedError(
            f"{where}: {name} is not in the cache, and the hub {endpoint or 'huggingface.co'} does "
            "not answer. Connect this machine, name a mirror in HF_ENDPOINT, or fill the cache "
            f"(HF_HOME) on another one: hf download {settings.hub} --revision {settings.revision}"
        ) from error
    except EntryNotFoundError:
        return None
    except (HfHubHTTPError, httpx.HTTPError) as error:
        raise PretrainedError(
            f"{where}: expected {name}, the hub said: {str(error).strip().splitlines()[0]}. Check "
            "name and revision in flows/runs.py, and HF_TOKEN if the model asks for one."
        ) from error
    return Path(found)


def _hashed(name: str, path: Path) -> dict[str, Any]:
    """Size and hashes of a file; the cache names it by the hub's hash (sha256, or git's sha1)."""
    content = path.read_bytes()
    told = path.resolve().name
    sha256 = hashlib.sha256(content).hexdigest()
    found = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    found = sha256 if len(told) == len(sha256) else found
    if found != told:
        path.resolve().unlink()
        raise PretrainedError(
            f"{name}: expected hash {told}, as the hub says, found {found}. It was damaged on the "
            "way or in the cache, and is deleted: run again to fetch it anew."
        )
    return {"file": name, "bytes": len(content), "sha256": sha256, "hub_hash": told}


def _state(path: Path) -> State:
    if path.suffix == ".safetensors":
        return load_file(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise PretrainedError(
            f"{path.name}: expected plain tensors, found other objects. Give a revision in "
            "flows/runs.py that has model.safetensors."
        ) from error


def _check_shape(settings: PretrainedSettings, found: dict[str, Any], config: ModelConfig) -> None:
    """Refuse another architecture; what the weights' shapes cannot tell is in config.json."""
    language, text = config.language, config.text
    if settings.part == "language_model":
        wanted = {"model_type": "gpt2", "n_head": language.heads, "n_layer": language.layers}
        wanted |= {"n_embd": language.width, "activation_function": "gelu_new"}
    else:
        assert text is not None  # every size has a text encoder
        wanted = {"num_attention_heads": text.heads, "num_hidden_layers": text.layers}
        wanted |= {"hidden_size": text.width, "hidden_act": "quick_gelu"}
        found = found.get("text_config") or found
    other = [
        f"{name} {found[name]!r}, expected {value!r}"
        for name, value in wanted.items()
        if name in found and found[name] != value
    ]
    if other:
        raise PretrainedError(
            f"{settings.hub} at {settings.revision} is no {settings.part} of size "
            f"{settings.size}: {'; '.join(other)}. Name another model in flows/runs.py."
        )


def _fill(settings: PretrainedSettings, model: nn.Module, state: State) -> None:
    """Load the hub's weights under our names; PretrainedError lists what does not fit."""
    ours: State = {}
    for name, value in state.items():
        if _LEFT.search(name):
            continue
        for pattern, replacement in _RENAMES[settings.part]:
            name = re.sub(pattern, replacement, name)
        ours[name] = value.float()
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    wrong = [name for name in own if name not in ours and not name.endswith("lm_head.weight")]
    wrong += [name for name, value in ours.items() if own.get(name) != tuple(value.shape)]
    if wrong:
        raise PretrainedError(
            f"{settings.hub} at {settings.revision}: expected the weights of a {settings.part} of "
            f"size {settings.size}, found {len(wrong)} missing or of another shape (our names): "
            f"{', '.join(wrong[:5])}. Name another model in flows/runs.py."
        )
    model.load_state_dict(ours, strict=False)
