"""Trainings as named frozen values, one set a profile; an ablation is a `replace(...)` of one.

A run is called after the row of the paper's tables that it fills, and names the runs it starts
from; the flow's graph follows from that. A value's reason stands beside it. Figures of `small` are
on ESC-10, folds 1 and 2 to 3, 80 clips; costs are processor minutes of one thread.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pengi_model.released import CLIP, GPT2, REVISIONS
from pengi_model.settings import (
    Augment,
    ContrastiveSettings,
    GenerativeSettings,
    LanguageSettings,
    PretrainedSettings,
    Schedule,
    Settings,
)
from schemas import RequestError


class UnknownRun(RequestError):
    """A run that the profile does not have."""


@dataclass(frozen=True)
class Recipe:
    """How one run is made, and from which runs of its profile."""

    settings: Settings
    parents: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()  # of the release, to train on; empty: all of them
    default: bool = True  # False: only where it is named


@dataclass(frozen=True)
class Stages:
    """What the runs of a profile are derived from."""

    language_model: LanguageSettings | PretrainedSettings
    clap: ContrastiveSettings
    pengi: GenerativeSettings
    text_encoder: PretrainedSettings | None = None
    contrastive_steps: int = 0  # of clap_star; 0: as many as clap's
    ablated: GenerativeSettings | None = None  # what the ablations differ from; None: pengi


Runs = dict[str, Recipe]

# Rolls and level changes keep what a sound is; masks and mixup cost more epochs than there are.
_LIGHT = Augment(roll=True, gain=6.0, tilt=6.0, noise=2.0)

# 7 to 8 minutes in all: 60 epochs contrastive, then 60 epochs of the mapping on cached vectors.
_SMALL = Stages(
    language_model=LanguageSettings(
        size="small",
        schedule=Schedule(steps=300, batch=64, rate=1e-3, warmup=30, decay=0.01),
        vocabulary=700,
        copied=0.9,  # a language model that never read its prefix cannot be steered by one
        bfloat16=True,
    ),
    clap=ContrastiveSettings(
        size="small",
        schedule=Schedule(steps=600, batch=16, rate=1e-3, warmup=60, decay=0.05),
        vocabulary=700,
        positives="same_text",  # two dogs in a batch of 16 are no negatives
        augment=_LIGHT,
        bfloat16=True,
    ),
    pengi=GenerativeSettings(
        size="small",
        warmup=Schedule(steps=300, batch=32, rate=1e-3, warmup=20, decay=0.01),
        passes=6,
        schedule=Schedule(steps=60, batch=16, rate=5e-4, warmup=10, decay=0.01),
        audio_rate=1e-4,  # higher undoes the contrastive stage before it helps
        augment=_LIGHT,
        bfloat16=True,
    ),
)

# In mini loudness and brightness carry meaning (velocity, qualities): no gain and no tilt.
_NOTES = Augment(roll=True, noise=2.0)

# The text of a contrastive pair must say what is heard: "yes" does not. Scenes and music are few;
# places, voices and instruments stand in metadata alone, so each of those counts as a note does.
_HEARD = {
    "audio_captioning": 1,
    "sound_event_classification": 2,
    "speech_emotion_recognition": 2,
    "speech_sentiment_recognition": 1,
    "music_note_analysis": 4,
    "acoustic_scene_classification": 4,
    "music_analysis": 4,
    "auxiliary": 3,
}
# Questions are half of all pairs, scenes and music few; a note's fields are learned slowly.
_ASKED = {
    "audio_captioning": 1,
    "audio_qa": 1,
    "sound_event_classification": 4,
    "speech_emotion_recognition": 4,
    "speech_sentiment_recognition": 2,
    "music_note_analysis": 8,
    "acoustic_scene_classification": 8,
    "music_analysis": 8,
    "auxiliary": 4,
}

# 5 minutes in all, of which language model and contrastive stage can run side by side.
_MINI_PENGI = GenerativeSettings(
    size="tiny",
    # Begun as the networks that steered the language model, it needs few steps; end to end is what
    # brings the fields of a note.
    warmup=Schedule(steps=350, batch=32, rate=2e-3, warmup=20, decay=0.01),
    passes=1,  # one costs as much as 60 steps of the warm-up
    schedule=Schedule(steps=150, batch=32, rate=5e-4, warmup=10, decay=0.01),
    audio_rate=3e-4,
    templates=_ASKED,
    augment=_NOTES,
    bfloat16=True,
)
_MINI = Stages(
    contrastive_steps=160,  # Table 15 wants the row, not a second encoder
    language_model=LanguageSettings(
        size="tiny",
        # 1000 batches of 16, as dear, are no better: Pengi's mean over benchmarks 0.49 against 0.51
        schedule=Schedule(steps=400, batch=48, rate=2e-3, warmup=30, decay=0.01),
        vocabulary=700,
        copied=0.9,
        bfloat16=True,
    ),
    clap=ContrastiveSettings(
        size="tiny",
        schedule=Schedule(steps=480, batch=32, rate=1e-3, warmup=40, decay=0.05),
        vocabulary=700,
        positives="same_text",
        templates=_HEARD,
        augment=_NOTES,
        bfloat16=True,
    ),
    pengi=_MINI_PENGI,
    # Shorter, so that four of them fit into minutes: their rows show that the path works, and what
    # they lose against Pengi is in part this.
    ablated=replace(
        _MINI_PENGI,
        warmup=replace(_MINI_PENGI.warmup, steps=200),
        passes=0,
        schedule=replace(_MINI_PENGI.schedule, steps=30),
    ),
)

# Sec. 4.3 and App. D. The frozen models come from a hub at a pinned revision.
_PAPER = Stages(
    language_model=PretrainedSettings(part="language_model", hub=GPT2, revision=REVISIONS[GPT2]),
    text_encoder=PretrainedSettings(part="text_encoder", hub=CLIP, revision=REVISIONS[CLIP]),
    clap=ContrastiveSettings(
        size="paper",
        schedule=Schedule(steps=0, epochs=45, batch=1536, rate=1e-4, warmup=2000, shape="linear"),
        vocabulary=0,  # the text encoder brings its tokenizer
        positives="diagonal",
        # What this stage read is not stated; Table 15 sets it apart from CLAP*, which read all
        # pairs. Ours reads the texts that say what is heard.
        templates={"audio_captioning": 1, "sound_event_classification": 1},
        keep_mels=False,
        standardise=False,  # the released front end takes decibels as they are
        loaders=8,
        report=50,
        checkpoint=500,
        bfloat16=True,
    ),
    pengi=GenerativeSettings(
        size="paper",
        warmup=Schedule(steps=0, batch=384, rate=1e-4),  # end to end at once
        passes=0,
        schedule=Schedule(steps=0, epochs=60, batch=384, rate=1e-4, warmup=2000, shape="linear"),
        audio_rate=1e-4,
        keep_mels=False,
        loaders=8,
        report=50,
        checkpoint=1000,
        bfloat16=True,
    ),
)

_JOINED = ("language_model", "clap")  # what stage `pengi` starts from
_CAPTIONED = ("audiocaps", "clotho_v2")


def _runs(stages: Stages, ablations: bool = True) -> Runs:
    """Every run of a profile, parents first; without `ablations` those are made when named."""
    clap, pengi = stages.clap, stages.pengi
    steps = stages.contrastive_steps or clap.schedule.steps
    every_text = replace(clap, templates={}, schedule=replace(clap.schedule, steps=steps))
    base = stages.ablated or pengi
    captions = replace(base, templates={"audio_captioning": 1})
    no_encoder = replace(base, variant="no_text_encoder")
    prompt_only = replace(base, variant="lm_prompt_only")
    tower: Runs = {"text_encoder": Recipe(stages.text_encoder)} if stages.text_encoder else {}
    return tower | {
        "language_model": Recipe(stages.language_model),
        # Table 3, 8 and 12
        "clap": Recipe(clap, tuple(tower)),
        # Table 3 to 8, 11 and 13 to 15
        "pengi": Recipe(pengi, _JOINED),
        # Table 13: the audio encoder stays as the contrastive stage left it
        "frozen_pengi": Recipe(replace(base, audio_rate=0.0), _JOINED, default=ablations),
        # Table 4, A: AudioCaps and Clotho with "generate audio caption" alone
        "single_task_caption": Recipe(captions, _JOINED, _CAPTIONED, default=ablations),
        # Table 14, App. F Exp B: the prompt's GPT-2 embeddings through m2
        "no_text_encoder": Recipe(no_encoder, _JOINED, default=ablations),
        # App. F Exp A, no table: neither text encoder nor m2
        "lm_prompt_only": Recipe(prompt_only, _JOINED, default=ablations),
        # Table 15: contrastive on the output text of every pair that Pengi reads
        "clap_star": Recipe(every_text, tuple(tower), default=ablations),
    }


RUNS: dict[str, Runs] = {
    "mini": _runs(_MINI),
    "small": _runs(_SMALL, ablations=False),
    "open": _runs(_PAPER),
    "paper": _runs(_PAPER),
}


def asked_for(runs: Runs, names: Iterable[str] | None) -> list[str]:
    """The runs to make, parents first: those named, or the profile's own, and all they start from.

    UnknownRun on a name that is not there.
    """
    wanted = [name for name, run in runs.items() if run.default] if names is None else list(names)
    if unknown := sorted(set(wanted) - set(runs)):
        raise UnknownRun(f"no run {', '.join(unknown)}; the profile has {', '.join(runs)}.")
    for name in wanted:  # grows while it is read
        wanted += [parent for parent in runs[name].parents if parent not in wanted]
    return [name for name in runs if name in wanted]
