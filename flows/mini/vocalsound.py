"""VocalSound in small: the 44.1 kHz release, JSON lists with the author's paths, two bad clips."""

import json
from functools import partial

from flows.mini import sounds
from flows.mini.pack import Tree
from flows.mini.vocal_sounds import SOUNDS, take

_AUTHOR = "/data/sls/scratch/author/vocalsound/data_44k/"
_MIDS = {
    "laughter": "/m/01j3sz",
    "sigh": "/m/07plz5l",
    "cough": "/m/01b_21",
    "throatclearing": "/m/0dl9sf8",
    "sneeze": "/m/01hsr_",
    "sniff": "/m/07ppn3j",
}
_SPEAKERS = {  # as in the real lists, the splits share no speaker
    "tr": ("f0003", "m0004"),
    "val": ("m0007",),
    "te": ("f0011", "f0012", "m0013", "m0014", "f0015", "m0016", "f0017", "m0018"),
}
_NAMES = ("laughter", "Sigh", "Cough", "Throat clearing", "Sneeze", "Sniff")


def tree() -> Tree:
    """vs_release_44k.zip: one clip is empty, one was never uploaded, one is in no list."""
    members: Tree = {
        f"data_44k/{name}": partial(_wav, name) for short in _SPEAKERS for name in _takes(short)
    }
    members["data_44k/m0600_0_sigh.wav"] = b""
    members["data_44k/f9999_0_cough.wav"] = partial(_wav, "f9999_0_cough.wav")
    members["class_labels_indices_vs.csv"] = _classes()
    for short in _SPEAKERS:
        names = _takes(short)
        if short == "te":
            names += ["m0600_0_sigh.wav", "f2298_1_sniff.wav"]
        members[f"datafiles/{short}_rev.json"] = _list(names, short == "te")
        members[f"meta/{short}_meta.csv"] = _speakers(short)
    return {"vs_release_44k.zip": members}


def expected_clips() -> dict[str, int]:
    """Clips named by the lists; two of the test split cannot be used."""
    return {"train": 12, "validation": 6, "test": 50}


def _takes(short: str) -> list[str]:
    return [f"{speaker}_0_{kind}.wav" for speaker in _SPEAKERS[short] for kind in SOUNDS]


def _wav(name: str) -> bytes:
    speaker, number, kind = name.removesuffix(".wav").split("_")
    return sounds.wav(take(kind, speaker, number))


def _list(names: list[str], faulty: bool) -> bytes:
    """Entries as the author's training code reads them; one has the class of another sound."""
    entries = [{"wav": _AUTHOR + name, "labels": _MIDS[name[8:-4]]} for name in names]
    if faulty:
        entries.append({"wav": f"{_AUTHOR}f0011_0_cough.wav", "labels": _MIDS["sniff"]})
    return json.dumps({"data": entries}).encode()


def _classes() -> bytes:
    classes = zip(_MIDS.values(), _NAMES, strict=True)
    lines = [f'{number},{mid},"{name}"' for number, (mid, name) in enumerate(classes)]
    return "\n".join(["index,mid,display_name", *lines, ""]).encode()


def _speakers(short: str) -> bytes:
    """Speaker, sex, age, country, language, health; without a header line."""
    sexes = {"f": "female", "m": "male"}
    lines = [f"{name},{sexes[name[0]]},33,usa,english,no\n" for name in _SPEAKERS[short]]
    return "".join(lines).encode()
