"""Beijing Opera: 236 strokes of four percussion instruments (Tian et al. 2014)."""

import re
from collections.abc import Iterator

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row

_NAME = "beijing_opera_percussion_instrument_1.0"
INSTRUMENTS = ("bangu", "daluo", "naobo", "xiaoluo")

DATASET = Dataset(
    name="beijing_opera",
    title="Beijing Opera Percussion Instrument",
    homepage="https://zenodo.org/record/1285212",
    licence="LicenseRef-Unstated",
    citation="Tian et al.: A study of instrument-wise onset detection in Beijing opera percussion "
    "ensembles, ICASSP 2014",
    archives=(
        Archive(
            name=f"{_NAME}.zip",
            url=f"https://zenodo.org/record/1285212/files/{_NAME}.zip?download=1",
            checksum="md5:51dc70d02a06b9d96befadf320a6996f",
        ),
    ),
    splits=("all",),
    expected_clips={"all": 236},
    notes=(
        "Clips last 0.07 to 8.94 s (median 1.16 s); Table 2's 4.77 s is the 95th percentile, the "
        "crop of another benchmark.",
        "Labels are the romanised names. The English words that others use instead (clapper-drum, "
        "large gong, cymbals, small gong) would be other values of Benchmark.labels; the paper "
        "does not say which it showed to the text encoder.",
        "File names start with Freesound ids (user ajaysm): FreeSound's training clips may be "
        "the same sounds.",
        "No licence was found and no split is official.",
    ),
)

_CLIP = re.compile(r"(?:^|/)((\d+)__ajaysm__(.+)-\d+)\.wav$")


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per file; the instrument stands between the last "__" and the last "-"."""
    for clip in raw.names("*__ajaysm__*.wav"):
        if not (name := _CLIP.search(clip)):
            continue
        row_id, sound, instrument = name.groups()
        if instrument not in INSTRUMENTS:
            yield Malformed(row_id=row_id, clip=clip, reason="unknown_instrument")
            continue
        yield Row(
            row_id=row_id,
            clip=clip,
            split="all",
            instrument=instrument,
            attribution=f"ajaysm, https://freesound.org/people/ajaysm/sounds/{sound}/",
            origin_ids=(f"freesound:{sound}",),
        )


BENCHMARKS = (
    Benchmark(
        name="beijing_opera",
        dataset="beijing_opera",
        title="Beijing Opera, percussion instrument classification",
        splits=("all",),
        prompts=("generate metadata", "this is a sound of", "generate audio caption"),
        truth="instrument",
        scoring="match",
        metric="accuracy",
        labels={instrument: instrument for instrument in INSTRUMENTS},
        n_official=236,
    ),
)
