"""Texts to token ids, as the released wrapper does it (microsoft/Pengi:wrapper.py)."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from pengi_model.config import ModelConfig

# What decode() of transformers 4.28.1 replaced by default, in its order.
_CLEANED = (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're")

Ids = tuple[torch.Tensor, torch.Tensor]  # ids and mask, both (texts, length) int64


class TokenizerError(Exception):
    """A text was given to a model that has no tokenizer."""


class LongPromptWarning(UserWarning):
    """A prompt is longer than the model reads; it is cut, as released."""


def required(tokenizer: Any, role: str) -> Any:
    """The tokenizer, or a `TokenizerError` that says which is missing."""
    if tokenizer is None:
        raise TokenizerError(
            f"This model has no {role} tokenizer, so it cannot read or write text. Load it from a "
            "folder written by save_pretrained, or pass the tokenizer when building it."
        )
    return tokenizer


def _padded(rows: list[list[int]], length: int, pad: int) -> Ids:
    """Rows padded on the right to `length`."""
    ids = torch.tensor([row + [pad] * (length - len(row)) for row in rows], dtype=torch.long)
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase | None, prompts: Sequence[str], config: ModelConfig
) -> Ids:
    """Prompts as ids and mask, padded to `prompt_tokens`.

    With a text encoder the end token it pools at survives truncation. Without one the prompt is cut
    behind its suffix, so that a long prompt loses it, as released.
    """
    limit = config.prompt_tokens
    rows = _prompt_rows(tokenizer, prompts, config)
    ends = config.text is not None
    pad = config.language.pad if config.prompt_suffix else required(tokenizer, "").pad_token_id
    cut = [row if len(row) <= limit else row[: limit - ends] + row[-1:] * ends for row in rows]
    return _padded(cut, limit, pad)


def too_long(
    tokenizer: PreTrainedTokenizerBase | None, prompts: Sequence[str], config: ModelConfig
) -> dict[str, int]:
    """Prompts of more than `prompt_tokens` tokens, marks included, and how many they have."""
    distinct = list(dict.fromkeys(prompts))
    rows = _prompt_rows(tokenizer, distinct, config)
    counts = {prompt: len(row) for prompt, row in zip(distinct, rows, strict=True)}
    return {prompt: count for prompt, count in counts.items() if count > config.prompt_tokens}


def _prompt_rows(tokenizer: Any, prompts: Sequence[str], config: ModelConfig) -> list[list[int]]:
    """Ids of whole prompts; CLIP's tokenizer brings its own start and end, others the suffix."""
    read = required(tokenizer, "prompt")
    texts = [prompt + config.prompt_suffix for prompt in prompts]
    return read(texts, add_special_tokens=not config.prompt_suffix)["input_ids"]


def caption_ids(
    tokenizer: PreTrainedTokenizerBase | None, captions: Sequence[str], config: ModelConfig
) -> Ids:
    """Captions with the stop suffix as ids and mask, padded to the longest of them."""
    read = required(tokenizer, "language model")
    rows = _ended(read, captions, config.caption_suffix, config.caption_tokens)
    return _padded(rows, max(map(len, rows), default=0), config.language.pad)


def _ended(tokenizer: Any, texts: Sequence[str], suffix: str, limit: int) -> list[list[int]]:
    """Ids of every text, each ended by the suffix and cut before it to `limit`."""
    end = tokenizer(suffix, add_special_tokens=False)["input_ids"]
    rows = tokenizer([text + suffix for text in texts], add_special_tokens=False)["input_ids"]
    return [row if len(row) <= limit else row[: limit - len(end)] + end for row in rows]


def plain_ids(tokenizer: PreTrainedTokenizerBase | None, texts: Sequence[str]) -> list[list[int]]:
    """Ids of every text as it stands."""
    read = required(tokenizer, "language model")
    return read(list(texts), add_special_tokens=False)["input_ids"]


def decoded(
    tokenizer: PreTrainedTokenizerBase | None, tokens: Sequence[int], config: ModelConfig
) -> str:
    """The text of generated tokens, without the stop token and the blanks around."""
    read = required(tokenizer, "language model")
    kept = [token for token in tokens if token != config.language.stop]
    found: str = read.decode(kept)
    if config.clean_spaces:
        for piece in _CLEANED:
            found = found.replace(piece, piece.strip())
    return found.strip()
