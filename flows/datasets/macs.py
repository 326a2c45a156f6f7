"""MACS: what several annotators wrote about clips of TAU 2019 (Martin-Morato, Mesaros 2021)."""

from collections.abc import Iterator
from typing import Any

import yaml

from schemas import Archive, Choice, Dataset, Malformed, Raw, Row

_MACS = "https://zenodo.org/record/5114771/files/{}?download=1"
_TAU = "https://zenodo.org/record/2589280/files/{}?download=1"
_FOLDER = "TAU-urban-acoustic-scenes-2019-development/audio/"
_TEXTS = {
    "LICENSE.txt": "d3086f4517cccc32c1bb3a081b07cfa1",
    "MACS.yaml": "23fcb2ebd0b109094034ef9e87972256",
    "MACS_competence.csv": "4dfe9f951f0af9f29cb7952ec030370a",
}
_ZIPS = (  # md5 of TAU-urban-acoustic-scenes-2019-development.audio.1.zip and on
    "aca4ebfd9ed03d5f747d6ba8c24bc728",
    "c4f170408ce77c8c70c532bf268d7be0",
    "c7214a07211f10f3250290d05e72c37e",
    "a6a62110f6699cf4432072acb1dffda6",
    "091a0b6d3c84b8e60e46940aa7d4a8a0",
    "114f4ca13e074391b98a1cfd8140de65",
    "5951dd2968f7a514e2afbe279c4f060d",
    "b0b63dc95b327e1509857c8d8a663cc3",
    "3c32a693a6b111ffb957be3c1dd22e9b",
    "0ffbf60006da520cc761fb74c878b98b",
    "599055d93b4c11057c29be2df54538d4",
    "98b8d162ff3665695c4c910e6c372cc8",
    "a356c08b1a5a21d433eba37ef87587f4",
    "f8969771e7faf7dd471d1cf78b0cf011",
    "4758c4b0fb7484faa632266e78850820",
    "a18acad9ede8ea76574216feb887f0bc",
    "1af7703484632f340da5c33662dc9632",
    "b67402bf3e08f4da394a7c18756c0fd2",
    "035db315f19106eb848b6f9b32bcc47c",
    "9cb28c74911bf8a3eadcf53f50a5b5d6",
    "0e44ed85c88ec036a9725b4dd1dfaea0",
)

DATASET = Dataset(
    name="macs",
    title="MACS",
    homepage="https://zenodo.org/record/5114771",
    licence="LicenseRef-MACS",
    citation="Martín-Morató, Mesaros: Diversity and bias in audio captioning datasets, DCASE 2021",
    archives=(
        *(
            Archive(name=name, url=_MACS.format(name), checksum=f"md5:{md5}")
            for name, md5 in _TEXTS.items()
        ),
        *(
            Archive(name=name, url=_TAU.format(name), checksum=f"md5:{md5}")
            for name, md5 in (
                (f"TAU-urban-acoustic-scenes-2019-development.audio.{number}.zip", md5)
                for number, md5 in enumerate(_ZIPS, start=1)
            )
        ),
    ),
    splits=("train",),
    train=("train",),
    templates=("auxiliary",),
    expected_clips={"train": 3930},
    expected_rows={"train": 17275},
    hours=10.92,
    choices=(
        Choice(
            name="captions",
            value="all",
            others=("first",),
            why="The paper does not say whether every annotator's sentence is a pair. Each is a "
            "description of its own; 'first' takes one sentence a clip.",
        ),
        Choice(
            name="competence",
            value="any",
            others=("half",),
            why="The paper names no filter by the annotators' estimated competence (0 to 1). "
            "'half' leaves out the sentences of annotators below 0.5 or without an estimate.",
        ),
    ),
    notes=(
        "Sentences: Tampere University, not commercial. Sounds: TAU 2019's own licence.",
        "The zips hold 14400 clips of ten scenes, of which MACS describes 3930 of three.",
        "Scenes stand in the file names; they are not used, since the paper takes scenes from "
        "CochlScene alone.",
        "The zips are said to take about 40 GB; their sizes are not published with their hashes.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per sentence, by the choices `captions` and `competence`."""
    found = {name.rpartition("/")[2]: name for name in raw.names("*.wav")}
    able = _able(raw)
    for path in raw.names("*MACS.yaml"):
        for entry in _entries(raw, path):
            file = str(entry.get("filename"))
            clip = found.get(file, _FOLDER + file)
            said = entry.get("annotations") or [{}]
            for number, line in enumerate(said[:1] if raw.choice("captions") == "first" else said):
                row_id = f"MACS.yaml:{file}:{number}"
                text = str(line.get("sentence") or "").strip()
                if not text:
                    yield Malformed(row_id=row_id, clip=clip, reason="empty_caption")
                elif able is not None and str(line.get("annotator_id")) not in able:
                    yield Malformed(row_id=row_id, clip=clip, reason="annotator_below_competence")
                else:
                    yield Row(
                        row_id=row_id,
                        clip=clip,
                        split="train",
                        metadata=text,
                        origin_ids=(f"tau2019:{file.removesuffix('.wav')}",),
                    )


def _entries(raw: Raw, path: str) -> list[dict[str, Any]]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast
    with raw.open(path) as file:
        try:
            whole = yaml.load(file, Loader=loader)
        except yaml.YAMLError as fault:
            raise ValueError(f"{path}: no YAML: {fault}. Fetch it again.") from fault
    if not isinstance(whole, dict) or not isinstance(whole.get("files"), list):
        raise ValueError(
            f"{path}: expected a mapping with the list 'files' of filename and annotations, found "
            f"{list(whole)[:5] if isinstance(whole, dict) else type(whole).__name__}. "
            "The publisher changed the file: correct flows/datasets/macs.py."
        )
    return whole["files"]


def _able(raw: Raw) -> set[str] | None:
    """Annotators whose estimated competence is at least a half; None where anyone will do."""
    if raw.choice("competence") == "any":
        return None
    return {
        line["annotator_id"]
        for path in raw.names("*MACS_competence.csv")
        for line in raw.csv(path, delimiter="\t", columns=("annotator_id", "competence"))
        if float(line["competence"]) >= 0.5
    }


BENCHMARKS = ()
