"""Variants of Pengi: which parts there are, and what stands in front of the answer."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from pengi_model.config import TINY
from pengi_model.encoders import Clap
from pengi_model.joining import joined
from pengi_model.language_stage import Language
from pengi_model.model import Pengi
from pengi_model.settings import Variant
from pengi_model.tokens import end_of, train_tokenizer

VARIANTS: tuple[Variant, ...] = ("pengi", "no_text_encoder", "lm_prompt_only")
PARTS = {
    "pengi": {"text_encoder", "text_mapping"},
    "no_text_encoder": {"text_mapping"},
    "lm_prompt_only": set[str](),
}
EVERY = {"audio_encoder", "audio_mapping", "language_model"}
PROMPTS = ["this is a sound of", "question: is it loud"]


@pytest.fixture(scope="module")
def models() -> dict[str, Pengi]:
    """Every variant of one CLAP and one language model with random weights."""
    tokenizer = train_tokenizer([*PROMPTS, "low tone", "high tone"], 300)
    config = TINY.with_tokens(len(tokenizer), end_of(tokenizer), end_of(tokenizer))
    torch.manual_seed(0)
    clap, language = Clap(config, tokenizer), Language(config, tokenizer)
    return {variant: joined(clap, language, variant).eval() for variant in VARIANTS}


@pytest.fixture
def waves() -> torch.Tensor:
    return torch.randn(2, TINY.samples, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_has_its_parts_and_survives_its_folder(
    variant: Variant, models: dict[str, Pengi], waves: torch.Tensor, tmp_path: Path
):
    model = models[variant]
    assert {name for name, part in model.named_children() if part} == EVERY | PARTS[variant]
    model.save_pretrained(tmp_path / "model")
    again = Pengi.from_pretrained(tmp_path / "model")
    assert again.config == model.config
    assert torch.equal(again.prefix(waves, PROMPTS), model.prefix(waves, PROMPTS))
    assert again.generate(waves, PROMPTS, beam_size=2) == model.generate(
        waves, PROMPTS, beam_size=2
    )


def test_lm_prompt_only_is_gpt2_on_audio_prefix_and_padded_prompt(
    models: dict[str, Pengi], waves: torch.Tensor
):
    model = models["lm_prompt_only"]
    tokenizer, gpt = model.tokenizer, model.language_model
    assert tokenizer is not None
    prompt = tokenizer(PROMPTS[1])["input_ids"]
    padded = [*prompt, 0, *[0] * (40 - len(prompt) - 1)]  # 0: <|endoftext|>, which also pads
    prefix = model.prefix(waves, PROMPTS)
    assert prefix.shape == (2, 8 + 40, 128)
    assert torch.equal(prefix[1, 8:], gpt.transformer.wte.weight[padded])
    ids, mask = model.caption_ids(["low tone", "high tone"])
    sequence = torch.cat((prefix, gpt.transformer.wte(ids)), dim=1)
    logits = gpt(inputs_embeds=sequence).logits[:, 47:-1]
    each = F.cross_entropy(logits.transpose(1, 2), ids, reduction="none")
    expected = each[mask == 1].mean()
    assert model.loss(prefix, ids, mask).item() == pytest.approx(expected.item(), rel=1e-5)


def test_no_text_encoder_maps_the_language_models_embeddings(
    models: dict[str, Pengi], waves: torch.Tensor
):
    model = models["no_text_encoder"]
    prefix = model.prefix(waves, PROMPTS)
    assert prefix.shape == (2, 8 + 8, 128)
    ids, _ = model.prompt_ids(PROMPTS)
    assert ids.shape == (2, 40)
    assert model.text_mapping is not None
    mapped = model.text_mapping(model.language_model.transformer.wte(ids))
    assert torch.equal(prefix[:, 8:], mapped)


def test_prompts_do_not_meet_in_a_batch(models: dict[str, Pengi], waves: torch.Tensor):
    for model in models.values():
        together = model.prefix(waves, PROMPTS)
        alone = model.prefix(waves[1:], PROMPTS[1])
        assert torch.allclose(together[1:], alone, atol=1e-5)


def test_two_language_models_tokenizers_are_kept_apart(models: dict[str, Pengi]):
    config = replace(TINY, language=replace(TINY.language, vocabulary=280))
    prompts, words = train_tokenizer(PROMPTS, 300), train_tokenizer(["low tone"], 280)
    clap, language = Clap(TINY, prompts), Language(config, words)
    assert joined(clap, language).prompt_tokenizer is prompts
    assert joined(clap, language, "no_text_encoder").prompt_tokenizer is words
