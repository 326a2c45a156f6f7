"""Trainings as named frozen values, one set a profile; an ablation is a `replace(...)` of one.

A value's reason stands beside it. Figures of `small` are on ESC-10, folds 1 and 2 to 3, 80 clips;
costs are processor minutes of one thread.
"""

from pengi_model.settings import (
    Augment,
    ContrastiveSettings,
    GenerativeSettings,
    LanguageSettings,
    Schedule,
    Settings,
)

# Rolls and level changes keep what a sound is; masks and mixup cost more epochs than there are.
_LIGHT = Augment(roll=True, gain=6.0, tilt=6.0, noise=2.0)

# 7 to 8 minutes in all: 60 epochs contrastive, then 60 epochs of the mapping on cached vectors.
_SMALL: dict[str, Settings] = {
    "language_model": LanguageSettings(
        size="small",
        schedule=Schedule(steps=300, batch=64, rate=1e-3, warmup=30, decay=0.01),
        vocabulary=700,
        copied=0.9,  # a language model that never read its prefix cannot be steered by one
        bfloat16=True,
    ),
    "clap": ContrastiveSettings(
        size="small",
        schedule=Schedule(steps=600, batch=16, rate=1e-3, warmup=60, decay=0.05),
        vocabulary=700,
        positives="same_text",  # two dogs in a batch of 16 are no negatives
        augment=_LIGHT,
        bfloat16=True,
    ),
    "pengi": GenerativeSettings(
        size="small",
        warmup=Schedule(steps=300, batch=32, rate=1e-3, warmup=20, decay=0.01),
        passes=6,
        schedule=Schedule(steps=60, batch=16, rate=5e-4, warmup=10, decay=0.01),
        audio_rate=1e-4,  # higher undoes the contrastive stage before it helps
        augment=_LIGHT,
        bfloat16=True,
    ),
}

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
_MINI: dict[str, Settings] = {
    "language_model": LanguageSettings(
        size="tiny",
        schedule=Schedule(steps=400, batch=48, rate=2e-3, warmup=30, decay=0.01),
        vocabulary=700,
        copied=0.9,
        bfloat16=True,
    ),
    "clap": ContrastiveSettings(
        size="tiny",
        schedule=Schedule(steps=480, batch=32, rate=1e-3, warmup=40, decay=0.05),
        vocabulary=700,
        positives="same_text",
        templates=_HEARD,
        augment=_NOTES,
        bfloat16=True,
    ),
    "pengi": GenerativeSettings(
        size="tiny",
        # Begun as the networks that steered the language model, 350 steps bring 13 of 19 benchmarks
        # above chance, 150 more end to end 15 (131 processor seconds on a loaded machine).
        warmup=Schedule(steps=350, batch=32, rate=2e-3, warmup=20, decay=0.01),
        passes=3,
        schedule=Schedule(steps=150, batch=32, rate=5e-4, warmup=10, decay=0.01),
        audio_rate=3e-4,
        templates=_ASKED,
        augment=_NOTES,
        bfloat16=True,
    ),
}

RUNS: dict[str, dict[str, Settings]] = {"mini": _MINI, "small": _SMALL}
