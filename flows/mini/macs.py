"""MACS in small: two clips a zip of TAU 2019 (48 kHz, stereo, 24 bit), two to four annotators."""

from functools import partial

import yaml

from flows.datasets.macs import DATASET
from flows.mini.encoded import encoded
from flows.mini.pack import Tree
from flows.mini.vocabulary import Clip, captions, clips

_FOLDER = "TAU-urban-acoustic-scenes-2019-development/audio/"
_COUNT = 40
_SCENES = ("airport", "park", "public_square")
_CITIES = ("helsinki", "stockholm", "barcelona", "vienna")
_RATE = 48_000  # Hz
_LENGTH = 1.0  # seconds; the publisher's clips last 10
_ANNOTATORS = (51, 93, 272, 354)


def tree() -> Tree:
    """The files of Zenodo record 5114771, and the sounds of 2589280 dealt out over its zips."""
    made = _clips()
    members: Tree = {_FOLDER + clip.name: partial(_wav, clip) for clip in made}
    members[f"{_FOLDER}park-lyon-999-1-a.wav"] = _wav(made[0])[:36]
    members[f"{_FOLDER}tram-lisbon-5-6-a.wav"] = partial(_wav, made[1])  # of another scene
    files = [_entry(clip, number) for number, clip in enumerate(made)]
    files += [
        _said("park-lyon-999-1-a.wav", ["birds and nothing else"]),
        _said("airport-london-998-2-a.wav", ["never recorded", " "]),
    ]
    texts: Tree = {
        "LICENSE.txt": b"synthesised in small\n",
        "MACS.yaml": yaml.safe_dump({"files": files}, sort_keys=False, width=60).encode(),
        "MACS_competence.csv": _competence(),
    }
    zips = [archive.name for archive in DATASET.archives if archive.name.endswith(".zip")]
    dealt = list(members.items())
    packed: Tree = {name: dict(dealt[k :: len(zips)]) for k, name in enumerate(zips)}
    return texts | packed


def expected_clips() -> dict[str, int]:
    """Files with a sentence: one is broken, one is missing."""
    return {"train": _COUNT + 2}


def _clips() -> list[Clip]:
    names = [
        f"{_SCENES[n % 3]}-{_CITIES[n % 4]}-{10 + n // 4}-{480 + n}-a.wav" for n in range(_COUNT)
    ]
    return clips("macs", "train", names, 0.5, _LENGTH, _LENGTH)


def _wav(clip: Clip) -> bytes:
    return encoded(clip.samples(), "wav24", _RATE, channels=2)


def _entry(clip: Clip, number: int) -> dict[str, object]:
    return _said(clip.name, captions(clip, 2 + number % 3))


def _said(file: str, sentences: list[str]) -> dict[str, object]:
    tags = ["adults_talking", "footsteps"]
    return {
        "filename": file,
        "annotations": [
            {"annotator_id": annotator, "sentence": sentence, "tags": list(tags)}
            for annotator, sentence in zip(_ANNOTATORS, sentences, strict=False)
        ],
    }


def _competence() -> bytes:
    """The second annotator is seldom of the others' opinion."""
    lines = [f"{annotator}\t{0.31 if k == 1 else 0.8}" for k, annotator in enumerate(_ANNOTATORS)]
    return ("\n".join(["annotator_id\tcompetence", *lines]) + "\n").encode()
