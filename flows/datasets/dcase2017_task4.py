"""DCASE 2017 Task 4: vehicles and warnings, in segments of AudioSet (Mesaros et al. 2017)."""

from collections.abc import Iterator

from schemas import Access, Archive, Benchmark, Choice, Dataset, Malformed, Raw, Remote, Row
from schemas.youtube import Copy, Segment, damaged, segment

_HOME = "ankitshah009/Task-4-Large-scale-weakly-supervised-sound-event-detection-for-smart-cars"
_URL = f"https://raw.githubusercontent.com/{_HOME}/96dc262e3869580c0ff4c4de622995a8e3573ad9/"
_LISTS = {
    "training": ("", "1a98a76221fa5b5a85aaee9dbf02a2bf", 2942866),
    "testing": ("", "b742b4d6517c82595e09a65d470ff811", 34199),
    "evaluation": ("groundtruth_release/", "01b503f8915fdcbc73da46950e35b74e", 75925),
}
_NAME = "groundtruth_weak_label_{}_set.csv"

DATASET = Dataset(
    name="dcase2017_task4",
    title="DCASE 2017 Task 4",
    homepage=f"https://github.com/{_HOME}",
    licence="Apache-2.0",
    citation="Mesaros et al.: DCASE 2017 challenge setup: tasks, datasets and baseline, DCASE 2017",
    archives=tuple(
        Archive(
            name=_NAME.format(part),
            url=_URL + folder + _NAME.format(part),
            checksum=f"md5:{md5}",
            bytes=size,
        )
        for part, (folder, md5, size) in _LISTS.items()
    ),
    access=Access(
        kind="youtube",
        how="The sounds are fetched from YouTube one by one, and a part of the videos is gone. A "
        "copy has the groundtruth_weak_label_*_set.csv and sounds in any folder, as the "
        "organisers' zips have them: <id>_30.000_40.000.wav, or Y<id>_30.000_40.000.flac.",
    ),
    splits=("train", "validation", "test"),
    expected_clips={"validation": 488, "test": 1103},
    hours=4.4,  # 1591 segments of at most 10 s
    choices=(
        Choice(
            name="scored",
            value="evaluation",
            others=("testing", "both"),
            why="Table 2 says train/val/test, which the three published sets are in this order: "
            "the evaluation set (1103 clips) was scored by the challenge, the testing set (488) "
            "was for development. The printed F1 do not tell: as micro F1 of the top label, none "
            "of the 8 values fits the testing set, 2 fit the evaluation set, 2 both together.",
        ),
        Choice(
            name="training_set",
            value="left_out",
            others=("read",),
            why="Nothing is trained or scored on its 51172 clips (sec. 4.1 names no DCASE); 'read' "
            "fetches them too, to look for their overlap with other datasets.",
        ),
    ),
    notes=(
        "The lists are Apache-2.0; the sounds belong to those who uploaded them.",
        "The clips are segments of AudioSet: not unheard for a model trained on all of it.",
        "Table 2 counts 52k files, which fits 51172 training clips with either other set or both.",
        "The sets are disjoint. 'Air horn, truck horn' is one label.",
        "The organisers' sound zips stand behind short links that may not resolve any more.",
    ),
)

LABELS = (
    *("Train horn", "Air horn, truck horn", "Car alarm", "Reversing beeps", "Bicycle"),
    *("Skateboard", "Ambulance (siren)", "Fire engine, fire truck (siren)"),
    *("Civil defense siren", "Police car (siren)", "Screaming", "Car", "Car passing by", "Bus"),
    *("Truck", "Motorcycle", "Train"),
)
_COLUMNS = ("filename", "start", "end", "label")


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per clip with all its labels, in the list's order; a damaged list is refused."""
    copy = Copy(raw.names())
    for split, part in _parts(raw):
        for found, labels in _clips(raw, part).items():
            row_id, clip = f"{part}:{found.key}", copy.clip(found)
            if set(labels) <= set(LABELS):
                events = tuple(labels)
                yield Row(row_id=row_id, clip=clip, split=split, events=events, **found.credit)
            else:
                yield Malformed(row_id=row_id, clip=clip, reason="unknown_class")


def remotes(raw: Raw) -> Iterator[Remote]:
    """The sound of every clip of the sets that are read."""
    for _, part in _parts(raw):
        yield from (found.remote for found in _clips(raw, part))


def _parts(raw: Raw) -> Iterator[tuple[str, str]]:
    """(split, published set): what is not scored, though it could be, is validation."""
    scored = raw.choice("scored")
    for part in ("testing", "evaluation"):
        yield ("test" if scored in (part, "both") else "validation"), part
    if raw.choice("training_set") == "read":
        yield "train", "training"


def _clips(raw: Raw, part: str) -> dict[Segment, list[str]]:
    """The labels of every clip of a set, whose list has one label a line."""
    clips: dict[Segment, list[str]] = {}
    for path in raw.names(f"*{_NAME.format(part)}"):
        lines = raw.csv(path, delimiter="\t", header=_COLUMNS)
        for number, line in enumerate(lines, start=1):
            where, file, label = f"{path}: row {number}", line["filename"], line["label"]
            found = segment(where, file[:11], line["start"], line["end"])
            if file != f"{found.key}.wav" or not label or "" in line:
                cells = "\t".join(line.values())
                raise damaged(where, "file <id>_<start>_<end>.wav, start, end, label", repr(cells))
            labels = clips.setdefault(found, [])
            if label not in labels:
                labels.append(label)
    return clips


BENCHMARKS = (
    Benchmark(
        name="dcase17_task4",
        dataset="dcase2017_task4",
        title="DCASE 2017 Task 4, sound event classification",
        splits=("test",),
        validation=("validation",),
        prompts=("this is a sound of", "generate audio caption", "generate metadata"),
        truth="events",
        scoring="multilabel",
        metric="F1",
        labels={label: label.lower() for label in LABELS},
        n_official=1103,
    ),
)
