"""GTZAN Genres: ten genres with a hundred 30-second clips each (Tzanetakis and Cook 2002)."""

import re
from collections.abc import Iterator

from schemas import Access, Archive, Benchmark, Choice, Dataset, Malformed, Raw, Row

GENRES = (
    *("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae"),
    "rock",
)
_LIST = "test_filtered.txt"
_LIST_URL = (
    "https://raw.githubusercontent.com/jordipons/sklearn-audio-transfer-learning/"
    f"2d08e9b18c6181ac4a22eeb52fe68ef4b1d6ebe1/data/index/GTZAN/{_LIST}"
)

DATASET = Dataset(
    name="gtzan_genres",
    title="GTZAN Genres",
    homepage="https://www.tensorflow.org/datasets/catalog/gtzan",
    licence="LicenseRef-Unstated",
    citation="Tzanetakis and Cook: Musical genre classification of audio signals, TSAP 2002",
    archives=(
        Archive(
            name="genres.tar.gz",
            url="http://opihi.cs.uvic.ca/sound/genres.tar.gz",
            checksum="sha256:24347e0223d2ba798e0a558c4c172d9d4a19c00bb7963fe055d183dadb4ef2c6",
        ),
        Archive(name=_LIST, url=_LIST_URL),
    ),
    access=Access(
        how="The host has been down since October 2022; then give an unpacked copy, a folder "
        "<genre>/<genre>.<number>.wav (or .au) for each of the ten genres, with "
        f"{_LIST} beside it for the choice fault_filtered. A free account at kaggle.com has one: "
        "andradaolteanu/gtzan-dataset-music-genre-classification.",
    ),
    splits=("all",),
    expected_clips={"all": 1000},
    hours=8.33,  # 1,000 clips of about 30 s
    choices=(
        Choice(
            name="files",
            value="all",
            others=("fault_filtered",),
            why="The paper's accuracies are multiples of 1/1000, so nothing was left out. "
            "fault_filtered scores the 290 test files of the lists that drop repetitions, "
            "artists on both sides, mislabelled and distorted clips.",
        ),
    ),
    notes=(
        "jazz.00054.wav of the Kaggle copy cannot be decoded; the paper's copy had it.",
        "The archive has macOS files that start with '._' beside the sounds: passed over.",
        "Exact duplicates, repeated artists and mislabelled clips are known and stay in.",
        "Sounds are .wav in this archive; older copies hold the same names as .au.",
        'The label hiphop is shown to the text encoder as "hip hop"; the paper prints hip-hop '
        "once (Figure 4, as a training text).",
        "No licence is stated and no split is official.",
    ),
)

_CLIP = re.compile(r"(?:^|/)([^/]+)/(([a-z]+)\.\d{5})\.(?:wav|au)$")


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per file; folder and file name both say the genre."""
    wanted = _listed(raw) if raw.choice("files") == "fault_filtered" else None
    found = [*map(_CLIP.search, raw.names("*.au")), *map(_CLIP.search, raw.names("*.wav"))]
    places = {place[2]: place for place in found if place}  # a copy may hold a sound as both
    for name, place in sorted(places.items()):
        clip, folder, genre = place.string, place[1], place[3]
        if genre not in GENRES:
            yield Malformed(row_id=name, clip=clip, reason="unknown_genre")
        elif folder != genre:
            yield Malformed(row_id=name, clip=clip, reason="folder_and_name_differ")
        elif wanted is not None and name not in wanted:
            yield Malformed(row_id=name, clip=clip, reason="fault_filtered")
        else:
            yield Row(row_id=name, clip=clip, split="all", genre=genre)


def _listed(raw: Raw) -> set[str]:
    """Names of the fault-filtered list, whose lines read "blues/blues.00012.wav"."""
    (path,) = raw.names(f"*{_LIST}")[:1] or [_LIST]
    with raw.open(path) as file:
        found = map(_CLIP.search, file.read().decode().split())
        return {line[2] for line in found if line}


BENCHMARKS = (
    Benchmark(
        name="gtzan_genres",
        dataset="gtzan_genres",
        title="GTZAN Genres, music genre classification",
        splits=("all",),
        prompts=("generate metadata", "generate audio caption", "this is a sound of"),
        truth="genre",
        scoring="match",
        metric="accuracy",
        labels={genre: genre for genre in GENRES} | {"hiphop": "hip hop"},
        n_official=1000,
    ),
)
