"""GTZAN Music/Speech: 64 clips of music and 64 of speech, 30 s each (Tzanetakis 1999)."""

import re
from collections.abc import Iterator

from schemas import Access, Archive, Benchmark, Dataset, Malformed, Raw, Row

DATASET = Dataset(
    name="gtzan_music_speech",
    title="GTZAN Music/Speech",
    homepage="https://www.tensorflow.org/datasets/catalog/gtzan_music_speech",
    licence="LicenseRef-Unstated",
    citation="Tzanetakis: GTZAN music/speech collection, 1999",
    archives=(
        Archive(
            name="music_speech.tar.gz",
            url="http://opihi.cs.uvic.ca/sound/music_speech.tar.gz",
        ),
    ),
    access=Access(
        how="The host is often down; then give an unpacked copy, a folder that holds music_wav/ "
        "and speech_wav/ (http://marsyas.info/downloads/datasets.html describes the collection).",
    ),
    splits=("all",),
    expected_clips={"all": 128},
    hours=1.07,  # 128 clips of 30 s
    notes=(
        "Its documentation and the paper's Table 2 say 120 clips; the archive holds 128, and the "
        "paper's accuracies are multiples of 1/128: all are scored.",
        "No licence is stated and no split is official.",
        "Copies may also hold .au files and macOS files that start with '._': only sound in the "
        "folders music_wav and speech_wav counts.",
    ),
)

_CLIP = re.compile(r"(?:^|/)([^/]+)_wav/([^/]+)\.wav$")
_LABELS = ("music", "speech")


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per file; its folder is its label."""
    for clip in raw.names("*_wav/*.wav"):
        if not (place := _CLIP.search(clip)) or place[2].startswith("._"):
            continue
        label, file = place.groups()
        row_id = f"{label}_wav/{file}"
        if label in _LABELS:
            yield Row(row_id=row_id, clip=clip, split="all", events=(label,))
        else:
            yield Malformed(row_id=row_id, clip=clip, reason="unknown_class")


BENCHMARKS = (
    Benchmark(
        name="gtzan_music_speech",
        dataset="gtzan_music_speech",
        title="GTZAN Music/Speech, music or speech",
        splits=("all",),
        prompts=("this is a sound of", "generate metadata", "generate audio caption"),
        truth="events",
        scoring="match",
        metric="accuracy",
        labels={label: label for label in _LABELS},
        n_official=128,
    ),
)
