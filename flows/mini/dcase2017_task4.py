"""DCASE 2017 Task 4 in small: three lists of weak labels; most clips are AudioSet's.

The training set's sounds are not here: unless somebody asks for it, nobody fetches them.
"""

from flows.datasets.dcase2017_task4 import LABELS
from flows.mini import audioset, traffic, youtube
from flows.mini.pack import Content, Tree
from flows.mini.vocabulary import Clip

_GONE = youtube.segment("a road made private")
_BROKEN = youtube.segment("a road without sound")
_UNKNOWN = youtube.segment("a road of no class")


def part_clips(part: str) -> list[Clip]:
    """The good clips of a published set, disjoint from the others'."""
    balanced, unbalanced, evaluation = (audioset.split_clips(s)[1] for s in _AUDIOSET)
    shared = {
        "training": unbalanced[:4],
        "testing": balanced[4:8] + unbalanced[12:14],
        "evaluation": evaluation + balanced[:4] + unbalanced[4:12],
    }
    own = {
        "training": traffic.KINDS,
        "testing": traffic.KINDS[::3],
        "evaluation": traffic.KINDS[12:] + traffic.KINDS[:11],
    }
    return shared[part] + youtube.clips(f"road {part}", own[part])


def tree() -> Tree:
    """The lists with one label a line; one label of one clip is unknown."""
    return {f"groundtruth_weak_label_{part}_set.csv": _list(part) for part in _PARTS}


def expected_clips() -> dict[str, int]:
    """Clips of known labels: one of the testing set is no sound, one of the other is gone."""
    return {
        "validation": len(part_clips("testing")) + 1,
        "test": len(part_clips("evaluation")) + 1,
    }


def remotes() -> dict[str, Content]:
    """What can still be fetched of the two sets that are read."""
    return youtube.remotes(part_clips("testing") + part_clips("evaluation"), [_BROKEN.key])


_AUDIOSET = ("balanced_train", "unbalanced_train", "eval")
_PARTS = ("training", "testing", "evaluation")


def _list(part: str) -> bytes:
    lines = [(name, clip.name) for clip in part_clips(part) for name in audioset.events(clip)]
    lines = [(name, key) for name, key in lines if name in LABELS]
    if part == "testing":
        lines.append(("Train", _BROKEN.key))
    if part == "evaluation":
        lines += [("Bus", _GONE.key), ("Tram", _UNKNOWN.key)]
    lines.sort(key=lambda line: (line[0] not in LABELS, line))  # label by label, as published
    return "".join(
        "\t".join([f"{key}.wav", *key[12:].split("_"), name]) + "\n" for name, key in lines
    ).encode()
