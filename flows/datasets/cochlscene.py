"""CochlScene: ten-second recordings of thirteen scenes by 831 people (Jeong and Park 2022)."""

import re
from collections.abc import Iterator

from schemas import Archive, Dataset, Malformed, Raw, Row

_ZENODO = "https://zenodo.org/records/7080122/files/{}?download=1"
_PARTS = ("zip", "z01", "z02", "z03", "z04", "z05")
SCENES = (
    *("Bus", "Cafe", "Car", "CrowdedIndoor", "Elevator", "Kitchen", "Park", "ResidentialArea"),
    *("Restaurant", "Restroom", "Street", "Subway", "SubwayStation"),
)

DATASET = Dataset(
    name="cochlscene",
    title="CochlScene",
    homepage="https://zenodo.org/records/7080122",
    licence="CC-BY-SA-3.0",
    citation="Jeong and Park: CochlScene: acquisition of acoustic scene data using crowdsourcing, "
    "APSIPA ASC 2022",
    archives=tuple(
        Archive(name=f"CochlScene.{part}", url=_ZENODO.format(f"CochlScene.{part}"))
        for part in _PARTS
    ),
    splits=("Train", "Val", "Test"),
    train=("Train",),
    templates=("acoustic_scene_classification",),
    expected_clips={"Train": 60855, "Val": 7573, "Test": 7687},
    hours=211.0,
    notes=(
        "The counts by split (76,115 clips, so 211 hours) and the licence are from one secondary "
        "source each; the abstract says 76k clips. No checksum is known to us.",
        "The folders are the annotation: Data_info.tsv, which the authors' code reads, says the "
        "same and is not in the archive as far as known.",
        "Scenes are written in CamelCase: CrowdedIndoor becomes Crowded Indoor.",
        "Splits share no participant (userNNNN in the file name).",
    ),
)

_CLIP = re.compile(r"(?:^|/)(Train|Val|Test)/([^/]+)/([^/]+)\.wav$")
_FILE = re.compile(r"([A-Za-z]+)_user\d+_\d+_\d+")
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per file below Train, Val and Test; the folder says the scene, the file name too."""
    for clip in raw.names("*.wav"):
        if not (place := _CLIP.search(clip)) or place[3].startswith("._"):
            continue
        split, scene, file = place.groups()
        name = _FILE.fullmatch(file)
        row_id = f"{split}/{scene}/{file}.wav"
        if scene not in SCENES:
            yield Malformed(row_id=row_id, clip=clip, reason="unknown_scene")
        elif not name:
            yield Malformed(row_id=row_id, clip=clip, reason="unexpected_file_name")
        elif name[1] != scene:
            yield Malformed(row_id=row_id, clip=clip, reason="folder_and_name_differ")
        else:
            yield Row(row_id=row_id, clip=clip, split=split, scene=_WORD.sub(" ", scene))


BENCHMARKS = ()
