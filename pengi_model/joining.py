"""What the stages start from: a new CLAP, and a Pengi of CLAP, language model and new mappings.

Variants: "pengi" (sec. 3.2), "no_text_encoder" and "lm_prompt_only" (App. F, Experiments B and A).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pengi_model.config import ModelConfig, lm_prompt_only, without_text_encoder
from pengi_model.encoders import Clap
from pengi_model.language_stage import Language
from pengi_model.mapping import MappingNetwork
from pengi_model.model import Pengi
from pengi_model.pretrained import TextTower
from pengi_model.settings import SIZES, ContrastiveSettings, Variant
from pengi_model.tokens import end_of, of_release

_VARIANTS: dict[Variant, Callable[[ModelConfig], ModelConfig]] = {
    "pengi": lambda config: config,
    "no_text_encoder": without_text_encoder,
    "lm_prompt_only": lm_prompt_only,
}


def contrasted(config: ContrastiveSettings, spec: dict[str, Any], tower: str | None) -> Clap:
    """A CLAP with new weights; text encoder and tokenizer are those in folder `tower`, if given."""
    size = SIZES[config.size]
    if tower is None:
        tokenizer = of_release(spec, config.vocabulary)
        end = end_of(tokenizer)
        return Clap(size.with_tokens(len(tokenizer), end, end), tokenizer)
    reader = TextTower.from_pretrained(tower)
    model = Clap(replace(size, text=reader.config.text), reader.tokenizer)
    assert model.text_encoder is not None  # a tower has one
    model.text_encoder.clip = reader.clip
    model.text_encoder.clip_projection = reader.clip_projection
    return model


def joined(clap: Clap, language: Language, variant: Variant = "pengi") -> Pengi:
    """A Pengi of CLAP's encoders and the language model, with new mapping networks.

    They begin as those the language model was trained with, where there are any, but for the layer
    that takes the vector in: what the language model can read is known already.
    """
    size = replace(clap.config, language=language.config.language).steered(False)
    config = _VARIANTS[variant](size)
    prompt_tokenizer = clap.tokenizer if config.text else language.tokenizer
    model = Pengi(config, language.tokenizer, prompt_tokenizer)
    model.audio_encoder = clap.audio_encoder
    if config.text:
        model.text_encoder = clap.text_encoder
    model.language_model = language.language_model
    if language.steering is not None:
        _begin_as(model.audio_mapping, language.steering.audio_mapping)
        if model.text_mapping is not None:
            _begin_as(model.text_mapping, language.steering.text_mapping)
    return model


def _begin_as(mapping: MappingNetwork, other: MappingNetwork) -> None:
    mapping.prefix_const.data.copy_(other.prefix_const.data)
    mapping.transformer.load_state_dict(other.transformer.state_dict())
