"""SESA, Sound Events for Surveillance Applications: four classes (Spadini 2019)."""

import re
from collections.abc import Iterator

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row

_TEXTS = {  # class -> text that is matched: "casual" alone says nothing about a sound
    "casual": "casual sound, not a threat",
    "gunshot": "gunshot",
    "explosion": "explosion",
    "siren": "siren",
}

DATASET = Dataset(
    name="sesa",
    title="SESA: Sound Events for Surveillance Applications",
    homepage="https://zenodo.org/record/3519845",
    licence="CC-BY-4.0",
    citation="Spadini: Sound Events for Surveillance Applications (SESA), Zenodo 2019",
    archives=(
        Archive(
            name="SESA.zip",
            url="https://zenodo.org/records/3519845/files/SESA.zip?download=1",
            checksum="sha256:fdc368afb948052933c6a4cb45449ef19dce6bae43aac929111a4daba5d653ec",
        ),
    ),
    splits=("train", "test"),
    templates=("sound_event_classification",),
    expected_clips={"train": 480, "test": 105},
    bytes=26_000_000,
    notes=(
        "Table 2 says 6 classes; there are 4. 'casual' is everything that is no threat.",
        "The paper's accuracies are multiples of 1/585, never of 1/105 or 1/480: all files count.",
        "585 and 105 are published, 480 is their difference. Licence and sha256 are those that "
        "others state; they were not read at the publisher.",
        "Not every file is 16 kHz mono 16 bit (others convert them first): each is read as it is.",
        "Freesound is said to be the origin, but no file says which sound it is.",
    ),
)

_CLIP = re.compile(r"(?:^|/)(train|test)/(([a-z]+)_[^/]*\.wav)$", re.IGNORECASE)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per sound, all from its path: train/gunshot_000.wav; SESA.txt is not needed."""
    for path in (path for path in raw.names() if path.lower().endswith(".wav")):
        file = path.rpartition("/")[2]
        if file.startswith("._"):  # what macOS leaves in archives
            continue
        if not (found := _CLIP.search(path)):
            yield Malformed(row_id=path, clip=path, reason="unexpected_file_name")
            continue
        split, label = found[1].lower(), found[3].lower()
        row_id = f"{split}/{file}"
        if label not in _TEXTS:
            yield Malformed(row_id=row_id, clip=path, reason="unknown_class")
        else:
            yield Row(row_id=row_id, clip=path, split=split, events=(label,))


BENCHMARKS = (
    Benchmark(
        name="sesa",
        dataset="sesa",
        title="SESA, surveillance sounds",
        splits=DATASET.splits,
        prompts=("generate metadata", "this is a sound of", "generate audio caption"),
        truth="events",
        scoring="match",
        metric="accuracy",
        labels=_TEXTS,
        n_official=585,
    ),
)
