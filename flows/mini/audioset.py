"""AudioSet in small: three lists with the publisher's comments, his table of 527 classes.

AudioCaps' clips and DCASE 2017 Task 4's are partly segments of these lists, as in the real world.
"""

from flows.mini import library, traffic, vocabulary, youtube
from flows.mini.pack import Content, Tree
from flows.mini.vocabulary import Clip
from schemas.audioset import NAMES

_NAMED = tuple(kind for kind in library.KINDS if kind.events)
_KINDS = {  # split -> everyday sounds, those of the road, voices and music and the city
    "balanced_train": (vocabulary.KINDS, traffic.KINDS[:10], ()),
    "unbalanced_train": (vocabulary.KINDS + vocabulary.KINDS[:13], traffic.KINDS, _NAMED * 2),
    "eval": (vocabulary.KINDS + vocabulary.KINDS[:8], traffic.KINDS, ()),
}
_MIDS = {name: mid for mid, name in NAMES.items()}
_GONE = youtube.segment("a video made private")
_BROKEN = youtube.segment("a video without sound")
_UNKNOWN = youtube.segment("a class of nobody")


def split_clips(split: str) -> tuple[list[Clip], list[Clip], list[Clip]]:
    """The good clips of a split: everyday sounds, sounds of the road, and of the library."""
    everyday, road, rest = _KINDS[split]
    return (
        youtube.clips(split, everyday, 0.3),
        youtube.clips(f"{split} road", road),
        youtube.clips(f"{split} library", rest),
    )


def events(clip: Clip) -> list[str]:
    """AudioSet's names of all that is heard; abstract parents are no class of the 527."""
    words = [word for kind in clip.kinds for word in kind.events.split(",")]
    names = [word.replace("_and_", ", ").replace("_", " ") for word in words]
    return [name for name in dict.fromkeys(names) if name in _MIDS]


def tree() -> Tree:
    """The publisher's four CSV files; one class of one segment is unknown."""
    archives: Tree = {f"{split}_segments.csv": _list(split) for split in _KINDS}
    table = "".join(f'{i},{mid},"{name}"\n' for i, (mid, name) in enumerate(NAMES.items()))
    return archives | {"class_labels_indices.csv": f"index,mid,display_name\n{table}".encode()}


def expected_clips() -> dict[str, int]:
    """Segments of known classes: one of the unbalanced ones is gone, one is no sound."""
    counts = {split: sum(map(len, split_clips(split))) for split in _KINDS}
    return counts | {"unbalanced_train": counts["unbalanced_train"] + 2}


def remotes() -> dict[str, Content]:
    """What can still be fetched."""
    made = [clip for split in _KINDS for part in split_clips(split) for clip in part]
    return youtube.remotes(made, [_BROKEN.key])


def _list(split: str) -> bytes:
    made = [clip for part in split_clips(split) for clip in part]
    lines = [(youtube.of(clip), [_MIDS[name] for name in events(clip)]) for clip in made]
    if split == "unbalanced_train":
        lines += [(_GONE, ["/m/06mb1"]), (_BROKEN, ["/m/0bt9lr"]), (_UNKNOWN, ["/m/0nobody"])]
    lines.sort()
    mids = [mid for _, found in lines for mid in found]
    head = (
        "# Segments csv created Sun Mar  5 10:54:31 2017\n"
        f"# num_ytids={len(lines)}, num_segs={len(lines)}, "
        f"num_unique_labels={len(set(mids))}, num_positive_labels={len(mids)}\n"
        "# YTID, start_seconds, end_seconds, positive_labels\n"
    )
    body = [
        f'{at.video}, {at.start:.3f}, {at.end:.3f}, "{",".join(found)}"\n' for at, found in lines
    ]
    return (head + "".join(body)).encode()
