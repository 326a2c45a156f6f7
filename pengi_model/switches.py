"""Where paper and released code disagree, or leave something open: each is a field of ModelConfig.

`switched(config, field, value)` gives a configuration with one of them changed. What is chosen per
call, or in training, stands in `ELSEWHERE`.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from pengi_model.config import SAMPLE_RATE, ModelConfig


@dataclass(frozen=True)
class Switch:
    """One field: what the paper says or implies, what the released code does, and where."""

    field: str
    paper: Any
    released: Any
    where: str


SWITCHES = (
    Switch("mel.n_fft", 45_158, 1024, "sec. 4.3: 1024 ms; models/config.py: samples"),
    Switch("mel.hop", 14_112, 320, "sec. 4.3: 320 ms; models/config.py: samples"),
    Switch("mel.fmax", 8000.0, 14_000.0, "sec. 4.3; the YAML's 8000 is ignored by models/htsat.py"),
    Switch("mel.matrix_rate", SAMPLE_RATE, 32_000, "sec. 4.3; models/config.py"),
    Switch("audio.spec_augment", False, True, "not in the paper; on in models/htsat.py"),
    Switch("audio_mapping.layers", 8, 4, "8 layers; models/decoder.py halves num_layers"),
    Switch("text_mapping.layers", 8, 4, "8 layers; models/decoder.py halves num_layers"),
    Switch("projection_form", "linear", "residual", "App. D: linear; models/pengi.py"),
    Switch("normalise_text", True, False, "models/pengi.py normalises, wrapper.py does not"),
    Switch("additional_text", "tokens", "character", "App. A; wrapper.py passes a string"),
    Switch("crop", "random", "random", "sec. 4.3; wrapper.py, unseeded; ours: centre or windows"),
    Switch("channels", "mean", "concatenate", "open in the paper; wrapper.py flattens"),
    Switch("language.stop", 50_256, 220, "open in the paper; wrapper.py: the space of the suffix"),
    Switch("language.dropout", 0.0, 0.1, "frozen, sec. 3.2; in train mode its dropout acts"),
    Switch("clean_spaces", False, True, "open in the paper; decode() of transformers 4.28.1"),
)

ELSEWHERE = {
    "text encoder or none (App. F, Experiment B)": "config.without_text_encoder",
    "what is trained: gamma, or the text projections too": "settings.train_text_projection",
    "beam size 5 (sec. 4.3) or 3 (example.py), 30 or 67 tokens": "arguments of Pengi.generate",
    "which text vectors close-ended answers are matched by": "Pengi.text_embedding(space=...)",
    "tokens the loss counts: the caption's, all but id 0, all": "the mask of Pengi.loss",
    "CLAP: epochs, batch, rate, temperature": "ContrastiveSettings",
}


def switched(config: ModelConfig, field: str, value: Any) -> ModelConfig:
    """`config` with `field`, dotted where it is nested, set to `value`."""
    outer, _, inner = field.partition(".")
    if outer not in {known.name for known in fields(config)}:
        raise ValueError(
            f"{field}: expected a field of ModelConfig; SWITCHES names those in doubt."
        )
    if not inner:
        return replace(config, **{outer: value})
    return replace(config, **{outer: replace(getattr(config, outer), **{inner: value})})
