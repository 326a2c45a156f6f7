"""NSynth: single notes of known pitch, velocity, family and qualities (Engel et al. 2017)."""

import json
from collections.abc import Iterator

from pydantic import ValidationError

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row

_MD5 = {
    "train": "fde6665a93865503ba598b9fac388660",
    "valid": "87e94a00a19b6dbc99cf6d4c0c0cae87",
    "test": "5e6f8719bf7e16ad0a00d518b78af77d",
}
_URL = "http://download.magenta.tensorflow.org/datasets/nsynth/nsynth-{}.jsonwav.tar.gz"

DATASET = Dataset(
    name="nsynth",
    title="NSynth",
    homepage="https://magenta.tensorflow.org/datasets/nsynth",
    licence="CC-BY-4.0",
    citation="Engel et al.: Neural audio synthesis of notes with WaveNet autoencoders, ICML 2017",
    archives=tuple(
        Archive(
            name=f"nsynth-{split}.jsonwav.tar.gz", url=_URL.format(split), checksum=f"md5:{md5}"
        )
        for split, md5 in _MD5.items()
    ),
    splits=("train", "valid", "test"),
    train=("train",),
    templates=("music_note_analysis",),
    expected_clips={"train": 289205, "valid": 12678, "test": 4096},
    hours=340.0,  # 305,979 notes of 4 s
    bytes=25_233_566_634,
    notes=(
        "synth_lead occurs in train only: valid and test have ten families.",
        "Instruments are meant to be in one split only; this was not checked on the files.",
        "16 kHz: there is nothing above 8 kHz.",
        '"tempo-synced" has a hyphen where the other qualities have underscores.',
        "A note may have no quality: the template's output says so in words.",
        "Pitches outside a piano's 21 to 108 occur. A pitch has 4.75 distinct velocities on "
        "average, so that some notes sound alike: velocity cannot reach an accuracy of 1.",
        "Table 2 says eleven classes of velocity; there are five.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per note of each examples.json; qualities keep the publisher's underscores."""
    for split in DATASET.splits:
        for path in raw.names(f"*nsynth-{split}/examples.json"):
            folder = path.removesuffix("examples.json")
            with raw.open(path) as file:
                notes = json.load(file)
            for name, note in notes.items():
                clip = f"{folder}audio/{name}.wav"
                try:
                    yield Row(
                        row_id=f"{split}:{name}",
                        clip=clip,
                        split=split,
                        instrument=note["instrument_family_str"].replace("_", " "),
                        pitch=note["pitch"],
                        velocity=note["velocity"],
                        qualities=tuple(note["qualities_str"]),
                    )
                except KeyError:
                    yield Malformed(row_id=f"{split}:{name}", clip=clip, reason="missing_field")
                except ValidationError:
                    yield Malformed(
                        row_id=f"{split}:{name}", clip=clip, reason="field_out_of_range"
                    )


FAMILIES = (
    *("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string"),
    *("synth lead", "vocal"),
)
QUALITIES = (
    *("bright", "dark", "distortion", "fast_decay", "long_release", "multiphonic"),
    *("nonlinear_env", "percussive", "reverb", "tempo-synced"),
)
_LABELS = {  # benchmark -> its labels, worded as in the template's output
    "instrument": {family: f"produced by {family}" for family in FAMILIES},
    "pitch": {str(pitch): f"pitch {pitch}" for pitch in range(128)},
    "velocity": {str(velocity): f"velocity {velocity}" for velocity in (25, 50, 75, 100, 127)},
    "qualities": {quality: f"qualities {quality}" for quality in QUALITIES},
}

BENCHMARKS = tuple(
    Benchmark(
        name=f"nsynth_{field}",
        dataset="nsynth",
        title=f"NSynth, {field}",
        splits=("test",),
        prompts=("this music note is",),
        truth=field,
        scoring="field",
        metric="mAP" if field == "qualities" else "accuracy",
        labels=labels,
        n_official=4096,
    )
    for field, labels in _LABELS.items()
)
