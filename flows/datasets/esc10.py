"""ESC-10 in its old layout "NNN - Class name/fold-id-take.ogg" (Piczak 2015); not in the paper."""

import re
from collections.abc import Iterator

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row
from schemas.licences import Credit, esc_credits

_COMMIT = "553c8f1743b9dba6b282e1323c3ca8fa76923448"  # the last one with audio
LABELS = (
    *("dog bark", "rain", "sea waves", "baby cry", "clock tick"),
    *("person sneeze", "helicopter", "chainsaw", "rooster", "fire crackling"),
)

DATASET = Dataset(
    name="esc10",
    title="ESC-10",
    homepage="https://github.com/karolpiczak/ESC-10",
    licence="CC-BY-3.0",
    citation="Piczak: ESC: dataset for environmental sound classification, ACM Multimedia 2015",
    archives=(
        Archive(
            name=f"ESC-10-{_COMMIT}.zip",
            url=f"https://github.com/karolpiczak/ESC-10/archive/{_COMMIT}.zip",
        ),
    ),
    splits=("fold1", "fold2", "fold3", "fold4", "fold5"),
    train=("fold1", "fold2", "fold3", "fold4"),
    templates=("sound_event_classification",),
    expected_clips={f"fold{fold}": 80 for fold in range(1, 6)},
    hours=0.6,  # 400 clips of 5 s
    paper=False,
    notes=(
        "Every clip is also in ESC-50, as WAV: do not train here and test there.",
        "GitHub builds the zip on request, so no checksum is published.",
    ),
)

_CLIP = re.compile(r"(?:^|/)(\d{3} - ([^/]+)/([1-5])-(\d+)-[A-Z]\.ogg)$")


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per clip, all from its path; licence and attribution from README.txt where it is."""
    credit = _credits(raw)
    for path in raw.names("*.ogg"):
        if not (found := _CLIP.search(path)):
            yield Malformed(row_id=path, clip=path, reason="unexpected_file_name")
        elif (label := found[2].lower()) not in LABELS:
            yield Malformed(row_id=found[1], clip=path, reason="unknown_class")
        else:
            yield Row(
                row_id=found[1],
                clip=path,
                split=f"fold{found[3]}",
                events=(label,),
                **credit.get(path.rpartition("/")[2].removesuffix(".ogg"), {})
                | {"origin_ids": (f"freesound:{found[4]}",)},
            )


def _credits(raw: Raw) -> dict[str, Credit]:
    credit: dict[str, Credit] = {}
    for path in raw.names("*README.txt"):
        with raw.open(path) as file:
            credit |= esc_credits(file.read().decode("utf-8", "replace"))
    return credit


BENCHMARKS = (
    Benchmark(
        name="esc10",
        dataset="esc10",
        title="ESC-10, sound event classification",
        splits=("fold5",),
        prompts=("this is a sound of",),
        truth="events",
        scoring="match",
        metric="accuracy",
        labels={label: label for label in LABELS},
        n_official=80,
    ),
)
