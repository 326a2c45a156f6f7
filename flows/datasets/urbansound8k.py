"""UrbanSound8K: slices of city sounds, ten classes in ten folds (Salamon et al. 2014)."""

from collections.abc import Iterator

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row

_COUNTS = (873, 888, 925, 990, 936, 823, 838, 806, 816, 837)  # clips of folds 1 to 10
_COLUMNS = ("slice_file_name", "fsID", "fold", "classID", "class")
LABELS = (  # in the order of classID
    *("air conditioner", "car horn", "children playing", "dog bark", "drilling"),
    *("engine idling", "gun shot", "jackhammer", "siren", "street music"),
)

DATASET = Dataset(
    name="urbansound8k",
    title="UrbanSound8K",
    homepage="https://urbansounddataset.weebly.com/urbansound8k.html",
    licence="CC-BY-NC-3.0",
    citation="Salamon, Jacoby, Bello: A dataset and taxonomy for urban sound research, ACM MM 2014",
    archives=(
        Archive(
            name="UrbanSound8K.tar.gz",
            url="https://zenodo.org/record/1203745/files/UrbanSound8K.tar.gz?download=1",
            checksum="md5:9aa69802bbf37fb986f71ec1483a196e",
        ),
    ),
    splits=tuple(f"fold{fold}" for fold in range(1, 11)),
    templates=("sound_event_classification",),
    expected_clips={f"fold{fold}": count for fold, count in enumerate(_COUNTS, start=1)},
    notes=(
        "Licence: BY-NC 3.0 in the dataset's own text, 4.0 in soundata's. Freesound credits stand "
        "in FREESOUNDCREDITS.txt, whose form is not known here: rows have the id, no attribution.",
        "Everything is called .wav: 8, 16 and 24 bit, float, ADPCM, extensible headers, 8 to "
        "192 kHz, mono and stereo. Each file is read as what it is.",
        "Slices last up to 4 s, some far less; what is shorter than 1024 samples is rejected.",
        "Copies hold slices in another fold's folder: the table's fold counts, the name is found.",
        "fsID is a Freesound id: 38 of them are in Clotho development, 16 in its evaluation split.",
        "The download's size is not published; it unpacks to 6.8 GB.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per line of metadata/UrbanSound8K.csv (UrbanSound8k.csv in its documentation)."""
    for path in raw.names("*metadata/UrbanSound8[Kk].csv"):
        root = path.rpartition("metadata/")[0]
        there = raw.names(f"{root}audio/*.wav")
        exact, by_file = set(there), {name.rpartition("/")[2]: name for name in there}
        for number, line in enumerate(raw.csv(path, columns=_COLUMNS), start=2):
            file, split = line["slice_file_name"], f"fold{line['fold']}"
            clip = f"{root}audio/{split}/{file}"
            clip = clip if clip in exact else by_file.get(file, clip)
            row_id = f"UrbanSound8K.csv:{number}"
            if reason := _fault(line, split):
                yield Malformed(row_id=row_id, clip=clip, reason=reason)
                continue
            yield Row(
                row_id=row_id,
                clip=clip,
                split=split,
                events=(line["class"].replace("_", " "),),
                origin_ids=(f"freesound:{line['fsID']}",),
            )


def _fault(line: dict[str, str], split: str) -> str | None:
    """Why a line is no row: the class stands in it three times, the recording twice."""
    label = line["class"].replace("_", " ")
    if label not in LABELS:
        return "unknown_class"
    if split not in DATASET.splits:
        return "unknown_fold"
    if line["classID"] != str(LABELS.index(label)):
        return "class_is_not_its_number"
    if line["slice_file_name"].split("-")[:2] != [line["fsID"], line["classID"]]:
        return "file_name_contradicts_line"
    return None


BENCHMARKS = (
    Benchmark(
        name="us8k",
        dataset="urbansound8k",
        title="UrbanSound8K, sound event classification",
        splits=DATASET.splits,
        prompts=("generate audio caption", "generate metadata", "this is a sound of"),
        truth="events",
        scoring="match",
        metric="accuracy",
        labels={label: label for label in LABELS},
        n_official=8732,
    ),
)
