"""VocalSound: six sounds of the human voice by 3365 speakers (Gong et al. 2022); tested on."""

import json
from collections.abc import Iterator

from schemas import Access, Archive, Benchmark, Dataset, Malformed, Raw, Row

_LABELS = {  # AudioSet class -> name, and as it stands in file names
    "/m/01j3sz": ("Laughter", "laughter"),
    "/m/07plz5l": ("Sigh", "sigh"),
    "/m/01b_21": ("Cough", "cough"),
    "/m/0dl9sf8": ("Throat clearing", "throatclearing"),
    "/m/01hsr_": ("Sneeze", "sneeze"),
    "/m/07ppn3j": ("Sniff", "sniff"),
}
_SPLITS = {"train": "tr", "validation": "val", "test": "te"}
_FOLDER = "data_44k"  # so in the 44.1 kHz release; its README says audio_44k

DATASET = Dataset(
    name="vocalsound",
    title="VocalSound",
    homepage="https://github.com/YuanGongND/vocalsound",
    licence="CC-BY-SA-4.0",
    citation="Gong et al.: VocalSound: a dataset for improving human vocal sounds recognition, "
    "ICASSP 2022",
    archives=(
        Archive(
            name="vs_release_44k.zip",
            url="https://www.dropbox.com/s/ybgaprezl8ubcce/vs_release_44k.zip?dl=1",
        ),
    ),
    access=Access(
        how="The release at 16 kHz (audio_16k) reads as well: unpack it and give it as a copy."
    ),
    splits=("train", "validation", "test"),
    templates=("sound_event_classification",),
    expected_clips={"test": 3591},
    bytes=4_500_000_000,
    notes=(
        "No checksum is published. Of the two releases the one at 44.1 kHz is fetched, the rate of "
        "the paper's input; the paper does not say which it took.",
        "21,024 files in all; the counts of train and validation are not confirmed.",
        "The JSON lists hold paths of the author's machine: only the file name counts. Those of "
        "the 44.1 kHz release are called tr_rev.json and so on.",
        "Of the published accuracies six of seven are k/3591.",
        "Speakers' age, sex, country, language and health (meta/*.csv) are not read.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per entry of datafiles/{tr,val,te}.json; the label must be that of the file name."""
    found = {path.rpartition("/")[2]: path for path in raw.names("*.wav")}
    for split, short in _SPLITS.items():
        lists = [*raw.names(f"*datafiles/{short}.json"), *raw.names(f"*datafiles/{short}_rev.json")]
        for path in lists[:1]:
            with raw.open(path) as file:
                entries = json.load(file)["data"]
            for entry in entries:
                name = entry["wav"].rpartition("/")[2]
                clip = found.get(name, f"{_FOLDER}/{name}")
                label, suffix = _LABELS.get(entry["labels"], ("", ""))
                if not label:
                    yield Malformed(row_id=name, clip=clip, reason="unknown_class")
                elif not name.endswith(f"_{suffix}.wav"):
                    yield Malformed(row_id=name, clip=clip, reason="label_is_not_the_file_names")
                else:
                    row_id = name.removesuffix(".wav")
                    yield Row(row_id=row_id, clip=clip, split=split, events=(label,))


BENCHMARKS = (
    Benchmark(
        name="vocal_sound",
        dataset="vocalsound",
        title="VocalSound, vocal sound classification",
        splits=("test",),
        validation=("validation",),
        prompts=("generate metadata", "generate audio caption", "this is a sound of"),
        truth="events",
        scoring="match",
        metric="accuracy",
        labels={label: label.lower() for label, _ in _LABELS.values()},
        n_official=3591,
    ),
)
