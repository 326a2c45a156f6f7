"""Settings of the three trainings as frozen values; a spec's `config` is one of them as JSON.

The contrastive and the generative stage follow the paper's sec. 4.3 and App. D; schedules count
steps, never minutes, so that a training can be repeated.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from pengi_model.config import PAPER, SMALL, TINY, ModelConfig

SIZES: dict[str, ModelConfig] = {"tiny": TINY, "small": SMALL, "paper": PAPER}
Variant = Literal["pengi", "no_text_encoder", "lm_prompt_only"]


class SettingsError(Exception):
    """A config that is none of the settings below."""


@dataclass(frozen=True)
class Schedule:
    """Steps with a linear warm-up, then down to zero along a cosine or a line."""

    steps: int
    batch: int  # samples, all processes together
    rate: float
    warmup: int = 0
    decay: float = 0.0  # weight decay, on matrices only
    shape: Literal["cosine", "linear"] = "cosine"
    epochs: int = 0  # where it is given, `steps` follows from it and the number of pairs

    def at(self, step: int) -> float:
        """Learning rate at a step counted from the schedule's start."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        if self.shape == "linear":
            return self.rate * (1 - done)
        return self.rate * 0.5 * (1 + math.cos(math.pi * done))

    def over(self, pairs: int) -> "Schedule":
        """This schedule with the steps that its epochs over so many pairs take."""
        return replace(self, steps=math.ceil(self.epochs * pairs / self.batch) or self.steps)


@dataclass(frozen=True)
class Augment:
    """Strength of what is done to a normalised log-mel in training; zero switches a part off."""

    roll: bool = False  # rotate in time by a random amount
    gain: float = 0.0  # dB, uniform in +-gain
    tilt: float = 0.0  # dB across the band, uniform in +-tilt
    noise: float = 0.0  # standard deviation per bin, dB, uniform in [0, noise]
    masks: int = 0  # SpecAugment: masks in time and as many in frequency
    time_mask: float = 0.0  # longest mask as a share of the frames
    mel_mask: float = 0.0  # longest mask as a share of the bands


@dataclass(frozen=True)
class PretrainedSettings:
    """A published model, fetched from a hub at one revision instead of trained (sec. 3.2)."""

    part: Literal["language_model", "text_encoder"]
    hub: str  # owner/name
    revision: str  # commit
    size: str = "paper"
    report: int = 1
    checkpoint: int = 1


@dataclass(frozen=True)
class LanguageSettings:
    """A tiny tokenizer and language model on the release's text, frozen afterwards."""

    size: str
    schedule: Schedule
    vocabulary: int
    copied: float  # share of samples whose prefix is made of the words of the text to write
    dropped: float = 0.1  # share of those words that are left out
    report: int = 20
    checkpoint: int = 100
    keep: int = 2
    bfloat16: bool = False


@dataclass(frozen=True)
class ContrastiveSettings:
    """CLAP: audio and text encoder by symmetric contrastive cross-entropy (sec. 3.1)."""

    size: str
    schedule: Schedule
    vocabulary: int
    positives: Literal[
        "diagonal", "same_text"
    ]  # diagonal: the paper's; same_text: equal texts count
    temperature: float = 0.07  # where it starts; it is learned
    # template -> times each of its pairs stands in an epoch; empty: every template once
    templates: Mapping[str, int] = field(default_factory=dict[str, int])
    keep_mels: bool = True  # in memory, 64 x 4 bytes a frame; False: computed per batch
    standardise: bool = True  # the log-mel, by its mean over these clips; PAPER takes it as it is
    augment: Augment = Augment()
    micro: int = 0  # samples of one pass through the encoders; 0: a process's whole share
    loaders: int = 0  # threads that read ahead
    held_out: float = 0.0  # share of clips kept for validation
    validate: int = 0  # steps between two validations; 0: none
    report: int = 10
    checkpoint: int = 50
    keep: int = 2  # newest checkpoints that stay, beside the best one
    bfloat16: bool = False
    compile: bool = False  # torch.compile of what is trained


@dataclass(frozen=True)
class GenerativeSettings:
    """Pengi: the mapping networks on cached audio features, then with the audio encoder (eq. 3)."""

    size: str
    warmup: Schedule  # mapping networks alone; 0 steps: end to end at once, as in the paper
    passes: int  # augmented passes cached for the warm-up beside the clean one
    schedule: Schedule  # end to end
    audio_rate: float  # learning rate of the audio encoder; 0 keeps it frozen (Table 13)
    variant: Variant = "pengi"  # how the prompt reaches the language model (App. F)
    templates: Mapping[str, int] = field(default_factory=dict[str, int])
    train_text_projection: bool = False  # what follows the frozen text tower; released: trained
    keep_mels: bool = True
    augment: Augment = Augment()
    micro: int = 0
    loaders: int = 0
    held_out: float = 0.0
    validate: int = 0
    report: int = 10
    checkpoint: int = 50
    keep: int = 2  # newest checkpoints that stay, beside the best one
    bfloat16: bool = False
    compile: bool = False  # torch.compile of what is trained


Trained = LanguageSettings | ContrastiveSettings | GenerativeSettings
Settings = PretrainedSettings | Trained
STAGES: dict[str, type[Settings]] = {
    "pretrained": PretrainedSettings,
    "language_model": LanguageSettings,
    "clap": ContrastiveSettings,
    "pengi": GenerativeSettings,
}
_NESTED: dict[str, type] = {"schedule": Schedule, "warmup": Schedule, "augment": Augment}


def settings(stage: str, config: dict[str, Any]) -> Settings:
    """The settings of a stage from a spec's `config`; `SettingsError` names what does not fit."""
    if stage not in STAGES:
        raise SettingsError(f"unknown stage {stage!r}: expected one of {sorted(STAGES)}")
    kind = STAGES[stage]
    known = {each.name for each in fields(kind)}
    if unknown := sorted(set(config) - known):
        raise SettingsError(
            f"config of stage {stage} has unknown {unknown}: expected {sorted(known)}"
        )
    values = {
        name: _NESTED[name](**value) if name in _NESTED and isinstance(value, dict) else value
        for name, value in config.items()
    }
    if values.get("size") not in SIZES:
        raise SettingsError(
            f"config of stage {stage} has size {values.get('size')!r}: expected {sorted(SIZES)}"
        )
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingsError(f"config of stage {stage}: {error}") from error
