"""Clotho v2.1: sounds of Freesound with five captions each (Drossos et al. 2020)."""

from collections.abc import Iterator

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row
from schemas.licences import Credit, spdx
from schemas.spelling import respelt

_ZENODO = "https://zenodo.org/record/4783391/files/{}?download=1"
_MD5 = {
    "clotho_audio_development.7z": "c8b05bc7acdb13895bb3c6a29608667e",
    "clotho_captions_development.csv": "d4090b39ce9f2491908eebf4d5b09bae",
    "clotho_metadata_development.csv": "170d20935ecfdf161ce1bb154118cda5",
    "clotho_audio_validation.7z": "7dba730be08bada48bd15dc4e668df59",
    "clotho_captions_validation.csv": "5879e023032b22a2c930aaa0528bead4",
    "clotho_metadata_validation.csv": "2e010427c56b1ce6008b0f03f41048ce",
    "clotho_audio_evaluation.7z": "4569624ccadf96223f19cb59fe4f849f",
    "clotho_captions_evaluation.csv": "1b16b9e57cf7bdb7f13a13802aeb57e2",
    "clotho_metadata_evaluation.csv": "13946f054d4e1bf48079813aac61bf77",
}
_CAPTIONS = tuple(f"caption_{k}" for k in range(1, 6))
_METADATA = ("file_name", "sound_id", "sound_link", "manufacturer", "license")

DATASET = Dataset(
    name="clotho_v2",
    title="Clotho v2.1",
    homepage="https://zenodo.org/record/4783391",
    licence="LicenseRef-Clotho",
    citation="Drossos, Lipping, Virtanen: Clotho: an audio captioning dataset, ICASSP 2020",
    archives=tuple(
        Archive(name=name, url=_ZENODO.format(name), checksum=f"md5:{md5}")
        for name, md5 in _MD5.items()
    ),
    splits=("development", "validation", "evaluation"),
    train=("development",),
    templates=("audio_captioning",),
    expected_clips={"development": 3839, "validation": 1045, "evaluation": 1045},
    expected_rows={"development": 19195, "validation": 5225, "evaluation": 5225},
    hours=37.1,
    bytes=6_500_000_000,  # as DCASE's list gives it; aac-datasets counts more archives
    notes=(
        "v2.1, as its authors advise: v2.0 has about 150 corrupt files and 10 illegal names.",
        "Captions: Tampere University, not commercial. Audio: each file's Freesound licence.",
        "Zenodo's text says 3840 and 1046 files; the CSVs hold 3839 and 1045.",
        "Some Freesound sounds stand in two splits: development and validation share 86163 and "
        "130603, development and evaluation 137692, validation and evaluation 66304 and 86161.",
        "sound_id is 'Not found' for 19 files: they have no origin.",
        "Names have spaces before .wav, '&#39;' or '#': a file is found where only such characters "
        "differ; 'Car Keys.wav' and 'Car_Keys.wav' are two files. Credit is joined by exact name.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per caption, five per file; licence and origin from the metadata CSV (ISO-8859-1)."""
    for split in DATASET.splits:
        credit = _credits(raw, split)
        for path in raw.names(f"*clotho_captions_{split}*.csv"):
            folder, _, name = path.rpartition("/")
            clips = f"{folder}/{split}/" if folder else f"{split}/"
            lines = list(raw.csv(path, columns=("file_name", *_CAPTIONS)))
            there = (member.removeprefix(clips) for member in raw.names(f"{clips}*.wav"))
            spelt = respelt((line["file_name"] for line in lines), there)
            for number, line in enumerate(lines, start=2):
                file = line["file_name"]
                for column in _CAPTIONS:
                    row_id, clip = f"{name}:{number}:{column}", clips + spelt.get(file, file)
                    if caption := line[column].strip():
                        yield Row(
                            row_id=row_id,
                            clip=clip,
                            split=split,
                            caption=caption,
                            **credit.get(file, {}),
                        )
                    else:
                        yield Malformed(row_id=row_id, clip=clip, reason="empty_caption")


def _credits(raw: Raw, split: str) -> dict[str, Credit]:
    credit: dict[str, Credit] = {}
    for path in raw.names(f"*clotho_metadata_{split}*.csv"):
        for line in raw.csv(path, encoding="latin-1", columns=_METADATA):
            sound = line["sound_id"]  # "Not found" for 19 files
            credit[line["file_name"]] = {
                "licence": spdx(line["license"]),
                "attribution": f"{line['manufacturer']}, {line['sound_link']}",
                "origin_ids": (f"freesound:{sound}",) if sound.isdigit() else (),
            }
    return credit


BENCHMARKS = (
    Benchmark(
        name="clotho_cap",
        dataset="clotho_v2",
        title="Clotho v2, audio captioning",
        splits=("evaluation",),
        validation=("validation",),
        prompts=("generate audio caption",),
        truth="caption",
        scoring="caption",
        metric="SPIDEr",
        n_official=1045,
    ),
    Benchmark(
        name="clotho_t2a",
        dataset="clotho_v2",
        title="Clotho v2, text-to-audio retrieval",
        splits=("evaluation",),
        validation=("validation",),
        prompts=("generate audio caption",),
        truth="caption",
        scoring="text_to_audio",
        metric="R@1",
        n_official=1045,
    ),
    Benchmark(
        name="clotho_a2t",
        dataset="clotho_v2",
        title="Clotho v2, audio-to-text retrieval",
        splits=("evaluation",),
        validation=("validation",),
        prompts=("generate audio caption",),
        truth="caption",
        scoring="audio_to_text",
        metric="R@1",
        n_official=1045,
    ),
)
