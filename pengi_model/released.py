"""The released checkpoints `base.pth` and `base_no_text_enc.pth` of microsoft/Pengi."""

import re
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from pengi_model import checkpoint
from pengi_model.config import RELEASED, WRAPPER, ModelConfig, without_text_encoder
from pengi_model.model import Pengi

GPT2 = "openai-community/gpt2"
CLIP = "openai/clip-vit-base-patch16"
REVISIONS = {
    GPT2: "607a30d783dfa663caf39e06633721c8d4cfcd7e",
    CLIP: "57c216476eefef5ab752ec549e440a49ae4ae5f3",
}
State = checkpoint.State

# Computed by newer transformers, by our front end, or without effect on the output. Dropped only if
# present; the leading dot keeps GPT-2's c_attn.bias, a real parameter, out of the first pattern.
_DROPPED = re.compile(
    r"gpt\.transformer\.h\.\d+\.attn\.(bias|masked_bias)$"
    r"|embeddings\.position_ids$"
    r"|relative_position_index$"
    r"|\.attn_mask$"
    r"|\.stft\.conv_(real|imag)\.weight$"
    r"|htsat\.(tscam_conv|head)\."
    r"|gpt\.lm_head\.weight$"  # a copy of wte
)
# Ours alone: buffers that the model has made.
_OWN = re.compile(r"log_mel\.(mean|std)$|relative_position_index$")
_RENAMES = (
    (r"^audio_encoder\.base\.htsat\.logmel_extractor\.melW$", "audio_encoder.log_mel.matrix"),
    (r"^audio_encoder\.base\.htsat\.bn0\.", "audio_encoder.htsat.audio_encoder.batch_norm."),
    (r"^audio_encoder\.base\.htsat\.", "audio_encoder.htsat.audio_encoder."),
    (r"(\.blocks\.\d+)\.norm1\.", r"\1.layernorm_before."),
    (r"(\.blocks\.\d+)\.norm2\.", r"\1.layernorm_after."),
    (r"(\.blocks\.\d+)\.attn\.proj\.", r"\1.attention.output.dense."),
    (r"(\.blocks\.\d+)\.attn\.", r"\1.attention.self."),
    (r"(\.blocks\.\d+)\.mlp\.fc1\.", r"\1.intermediate.dense."),
    (r"(\.blocks\.\d+)\.mlp\.fc2\.", r"\1.output.dense."),
    (r"^caption_encoder\.base\.", "text_encoder.clip."),
    (r"^caption_encoder\.clip_text_projection\.", "text_encoder.clip_projection."),
    (r"^caption_encoder\.", "text_encoder."),
    (r"^caption_decoder\.gpt\.", "language_model."),
    (r"^caption_decoder\.audio_project\.", "audio_mapping."),
    (r"^caption_decoder\.text_project\.", "text_mapping."),
)


class ReleasedError(Exception):
    """A file that is not a released Pengi checkpoint, or its tokenizers are out of reach."""


def from_released(
    path: Path | str,
    tokenizer: PreTrainedTokenizerBase | str | None = GPT2,
    prompt_tokenizer: PreTrainedTokenizerBase | str | None = CLIP,
    wrapper: bool = False,
) -> Pengi:
    """The model of a released .pth file, in eval mode; the file's content tells the variant.

    Tokenizers are hub names or folders, ready objects, or None for work without text;
    `prompt_tokenizer` counts only where there is a text encoder. The input is handled our way
    (centre window, mean of the channels, whole additional text); `wrapper=True` repeats what the
    released wrapper does (unseeded random crop, channels one after the other, one character).
    """
    state = read(Path(path))
    config = configuration(state, WRAPPER if wrapper else RELEASED)
    with checkpoint.without_weights():
        model = Pengi(config)
    fill(model, renamed(state), str(path))
    model.tokenizer = _tokenizer(tokenizer)
    if model.tokenizer is not None:
        model.tokenizer.add_special_tokens({"pad_token": "!"})  # id 0, as released
    model.prompt_tokenizer = _tokenizer(prompt_tokenizer) if config.text else model.tokenizer
    return model.eval()


def read(path: Path) -> State:
    """The state dict of a .pth file, without a `module.` in front of its names."""
    if not path.is_file():
        raise ReleasedError(f"{path}: expected a released .pth file, found none. Check the path.")
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes that are no checkpoint fail in any way
        raise ReleasedError(_unreadable(path, error)) from error
    state = content.get("model") if isinstance(content, dict) else None
    if not isinstance(state, dict):
        found = sorted(content)[:5] if isinstance(content, dict) else type(content).__name__
        raise ReleasedError(
            f'{path}: expected a dict with key "model" (base.pth or base_no_text_enc.pth), found '
            f"{found}. For a folder of ours use Pengi.from_pretrained."
        )
    if all(name.startswith("module.") for name in state):
        return {name.removeprefix("module."): value for name, value in state.items()}
    return state


def _unreadable(path: Path, error: Exception) -> str:
    line = str(error).partition("\n")[0]
    why = str(error).lower()  # "Unsupported global: ..." or "unsupported GLOBAL posix.system ..."
    if "unsupported global" in why or "can only build" in why:
        return (
            f"{path}: expected a checkpoint of plain tensors, found code or other objects, which "
            f"were not run. If you trust the file, load it once with torch.load(..., "
            'weights_only=False) and save {"model": state_dict} under a new name. ' + line
        )
    return (
        f"{path}: expected a checkpoint written by torch.save, found what cannot be read as one "
        f"({line}). Download it again, or give another file."
    )


def configuration(state: State, released: ModelConfig) -> ModelConfig:
    """`released` with or without text encoder, by content: users have swapped the two files."""
    with_text = any(name.startswith("caption_encoder.") for name in state)
    return released if with_text else without_text_encoder(released)


def renamed(state: State) -> State:
    """Released names -> ours; query, key and value are thirds of the released qkv."""
    found: State = {}
    for name, value in state.items():
        if _DROPPED.search(name):
            continue
        ours = name
        for pattern, replacement in _RENAMES:
            ours = re.sub(pattern, replacement, ours)
        if ".self.qkv." in ours:
            for part, rows in zip(("query", "key", "value"), value.chunk(3), strict=True):
                found[ours.replace(".qkv.", f".{part}.")] = rows.clone()
        else:
            found[ours] = value
    return found


def fill(model: Pengi, state: State, origin: str) -> None:
    """Load renamed weights; `ReleasedError` names every kind of difference found."""
    own = model.state_dict()
    made = {name: own[name] for name in own if name not in state and _OWN.search(name)}
    if found := checkpoint.differences(model, state | made):
        raise ReleasedError(
            f"{origin}: expected the entries of the released base or base_no_text_enc, found "
            f"differences (our names): {found}. Download the file again, or use the code it fits."
        )
    checkpoint.fill(model, state)


def _tokenizer(given: PreTrainedTokenizerBase | str | None) -> PreTrainedTokenizerBase | None:
    if not isinstance(given, str):
        return given
    try:
        return AutoTokenizer.from_pretrained(given, revision=REVISIONS.get(given, "main"))
    except OSError as error:
        raise ReleasedError(
            f"Tokenizer {given}: expected it on the hub or as a folder, found neither. Give the "
            "folder of a copy, or None to use the model without text."
        ) from error
