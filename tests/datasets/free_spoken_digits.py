"""Free Spoken Digit Dataset: "7_jackson_32.wav" is how Jackson says seven, for the 33rd time."""

import re
from collections.abc import Iterator

from schemas import Archive, Dataset, Malformed, Raw, Row

_COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
_REPOSITORY = "https://github.com/Jakobovski/free-spoken-digit-dataset"
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_CLIP = re.compile(r"(?:^|/)((\d)_([a-z]+)_(\d+))\.wav$")

DATASET = Dataset(
    name="free_spoken_digits",
    title="Free Spoken Digit Dataset",
    homepage=_REPOSITORY,
    licence="CC-BY-SA-4.0",
    citation="Jackson et al.: Free Spoken Digit Dataset, 2016",
    archives=(Archive(name=f"{_COMMIT}.zip", url=f"{_REPOSITORY}/archive/{_COMMIT}.zip"),),
    splits=("train", "test"),
    train=("train",),
    templates=("auxiliary",),
    paper=False,
    notes=("Takes 0 to 4 of every digit and speaker are for testing.",),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per recording, all from its name."""
    for path in raw.names("*.wav"):
        if not (found := _CLIP.search(path)):
            yield Malformed(row_id=path, clip=path, reason="unexpected_file_name")
            continue
        split = "train" if int(found[4]) > 4 else "test"
        said = f"the spoken digit {_DIGITS[int(found[2])]}"
        yield Row(row_id=found[1], clip=path, split=split, metadata=said)
