"""ESC-50: fifty classes of environmental sounds in five folds (Piczak 2015); only tested on."""

from collections.abc import Iterator

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row
from schemas.licences import Credit, esc_credits

LABELS = (
    *("dog", "rooster", "pig", "cow", "frog", "cat", "hen", "insects", "sheep", "crow"),
    *("rain", "sea waves", "crackling fire", "crickets", "chirping birds", "water drops"),
    *("wind", "pouring water", "toilet flush", "thunderstorm", "crying baby", "sneezing"),
    *("clapping", "breathing", "coughing", "footsteps", "laughing", "brushing teeth", "snoring"),
    *("drinking sipping", "door wood knock", "mouse click", "keyboard typing"),
    *("door wood creaks", "can opening", "washing machine", "vacuum cleaner", "clock alarm"),
    *("clock tick", "glass breaking", "helicopter", "chainsaw", "siren", "car horn", "engine"),
    *("train", "church bells", "airplane", "fireworks", "hand saw"),
)

DATASET = Dataset(
    name="esc50",
    title="ESC-50",
    homepage="https://github.com/karolpiczak/ESC-50",
    licence="CC-BY-NC-3.0",
    citation="Piczak: ESC: dataset for environmental sound classification, ACM Multimedia 2015",
    archives=(
        Archive(
            name="ESC-50-master.zip",
            url="https://github.com/karoldvl/ESC-50/archive/master.zip",
            checksum="md5:7771e4b9d86d0945acce719c7a59305a",
        ),
    ),
    splits=("fold1", "fold2", "fold3", "fold4", "fold5"),
    templates=("sound_event_classification",),
    expected_clips={f"fold{fold}": 400 for fold in range(1, 6)},
    hours=2.8,  # 2000 clips of 5 s
    bytes=600_000_000,  # about, as others state it
    notes=(
        "GitHub builds the zip on request: its md5 holds only while branch and zip format stay.",
        "The clips of ESC-10 (column esc10) are CC BY 3.0; every clip has a Freesound licence.",
        "Takes of one recording share src_file (1524 of them) and a fold.",
        "Files that forks renamed are in no line of meta/esc50.csv: they are not read.",
        "Some sources were band-limited, class by class, and short clips end in digital silence.",
        "1247 of the 1524 Freesound ids are in WavCaps: see `pengi leaks`.",
    ),
)

_COLUMNS = ("filename", "fold", "target", "category", "src_file")


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per line of meta/esc50.csv; licence and attribution from the file LICENSE."""
    for path in raw.names("*meta/esc50.csv"):
        root = path.removesuffix("meta/esc50.csv")
        credit = _credits(raw, f"{root}LICENSE")
        for number, line in enumerate(raw.csv(path, columns=_COLUMNS), start=2):
            row_id, clip = f"esc50.csv:{number}", f"{root}audio/{line['filename']}"
            split, label = f"fold{line['fold']}", line["category"].replace("_", " ")
            if label not in LABELS:
                yield Malformed(row_id=row_id, clip=clip, reason="unknown_class")
            elif line["target"] != str(LABELS.index(label)):
                yield Malformed(row_id=row_id, clip=clip, reason="class_is_not_its_number")
            elif split not in DATASET.splits:
                yield Malformed(row_id=row_id, clip=clip, reason="unknown_fold")
            else:
                yield Row(
                    row_id=row_id,
                    clip=clip,
                    split=split,
                    events=(label,),
                    **credit.get(line["filename"].rpartition("-")[0], {})
                    | {"origin_ids": (f"freesound:{line['src_file']}",)},
                )


def _credits(raw: Raw, path: str) -> dict[str, Credit]:
    if path not in raw.names("*LICENSE"):
        return {}
    with raw.open(path) as file:
        return esc_credits(file.read().decode("utf-8", "replace"))


BENCHMARKS = (
    Benchmark(
        name="esc50",
        dataset="esc50",
        title="ESC-50, sound event classification",
        splits=DATASET.splits,
        prompts=("generate metadata", "generate audio caption", "this is a sound of"),
        truth="events",
        scoring="match",
        metric="accuracy",
        labels={label: label for label in LABELS},
        n_official=2000,
    ),
)
