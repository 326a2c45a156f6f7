"""Prompts and captions as token ids, against the rules of the released wrapper (wrapper.py)."""

from dataclasses import replace

import pytest
import torch

from pengi_model import Pengi
from pengi_model.config import RELEASED, TINY, without_text_encoder
from pengi_model.decode import additional_ids
from pengi_model.text import caption_ids, decoded, prompt_ids
from pengi_model.tokens import train_tokenizer

TOKENS = train_tokenizer(["a dog barks while rain falls"] * 3, 280)
END = TOKENS.eos_token_id
CONFIG = TINY.with_tokens(len(TOKENS), END, END)


def test_prompts_are_padded_to_forty_and_keep_their_end() -> None:
    ids, mask = prompt_ids(TOKENS, ["a dog", "a dog " * 50], CONFIG)
    assert ids.shape == mask.shape == (2, 40)
    short = int(mask[0].sum())
    assert TOKENS.decode(ids[0, :short].tolist()) == " a dog<|endoftext|>"
    assert bool((ids[0, short:] == END).all())
    assert ids[1, -1] == END and int(mask[1].sum()) == 40


def test_without_text_encoder_a_long_prompt_loses_its_suffix() -> None:
    ids, _ = prompt_ids(TOKENS, ["a dog " * 50], without_text_encoder(CONFIG))
    assert END not in ids


def test_captions_end_and_are_cut_before_their_end() -> None:
    config = replace(CONFIG, caption_tokens=6)
    ids, mask = caption_ids(TOKENS, ["a dog", "a dog barks while rain falls a dog barks"], config)
    assert ids.shape == (2, 6)
    assert ids[1, -1] == END and int(mask[1].sum()) == 6
    assert TOKENS.decode(ids[0, : int(mask[0].sum())].tolist()) == " a dog<|endoftext|>"


def test_decoding_drops_the_stop_token_and_cleans_as_released() -> None:
    ids = TOKENS("a dog , it 's rain .")["input_ids"]
    assert decoded(TOKENS, [*ids, END], CONFIG) == "a dog , it 's rain ."
    released = replace(CONFIG, clean_spaces=True)
    assert decoded(TOKENS, [*ids, END], released) == "a dog, it's rain."


def test_additional_text_whole_or_as_released_one_character_per_clip() -> None:
    model = Pengi(CONFIG, TOKENS)
    texts = ["a dog", "rain"]
    assert [TOKENS.decode(ids) for ids in additional_ids(model, texts, 2)] == [" a dog", " rain"]
    model.config = replace(CONFIG, additional_text="character")
    assert [TOKENS.decode(ids) for ids in additional_ids(model, texts, 2)] == [" a", " a"]
    with pytest.raises(ValueError, match=r"additional_text\[1\].*at least 2 characters"):
        additional_ids(model, ["ab", "c"], 2)
    with pytest.raises(ValueError, match="additional_text: expected one per clip"):
        additional_ids(model, ["ab"], 2)


def test_text_is_pooled_at_the_first_end_token() -> None:
    torch.manual_seed(0)
    encoder = Pengi(CONFIG, TOKENS).eval().text_encoder
    assert encoder is not None
    ids, mask = prompt_ids(TOKENS, ["a dog"], CONFIG)
    length = int(mask.sum())
    torch.testing.assert_close(
        encoder.pooled(ids, mask), encoder.pooled(ids[:, :length], mask[:, :length])
    )


def test_released_numbers() -> None:
    assert (RELEASED.language.stop, RELEASED.language.pad, RELEASED.prompt_tokens) == (220, 0, 40)
    assert RELEASED.caption_suffix == " <|endoftext|>"
