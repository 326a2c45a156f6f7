"""AudioCaps in small: one caption a clip to train on, five to test; some clips are AudioSet's."""

import csv
import io
from collections.abc import Iterator

from flows.mini import audioset, vocabulary, youtube
from flows.mini.pack import Content, Tree
from flows.mini.vocabulary import KINDS, Clip
from schemas.youtube import Segment

_COUNTS = {"train": 80, "val": 10, "test": 40}
_OF_AUDIOSET = {  # which of the unbalanced list's clips: everyday sounds, sounds of the road
    "train": (slice(0, 20), slice(4, 8)),
    "val": (slice(20, 23), slice(0)),
    "test": (slice(23, 33), slice(0)),
}
_GONE = youtube.segment("a captioned video made private")
_BROKEN = youtube.segment("a captioned video without sound")
_SILENT = youtube.segment("a captioned video that nobody described")


def split_clips(split: str) -> list[Clip]:
    """The good clips of a split: those AudioSet's small copy has too, then others of its kind."""
    everyday, road, _ = audioset.split_clips("unbalanced_train")
    which = _OF_AUDIOSET[split]
    shared = everyday[which[0]] + road[which[1]]
    turns = [KINDS[number % len(KINDS)] for number in range(_COUNTS[split] - len(shared))]
    return shared + youtube.clips(f"captioned {split}", turns, 0.4)


def tree() -> Tree:
    """The three lists of the publishers' repository; one caption is empty, one says nothing."""
    return {f"{split}.csv": _list(split) for split in _COUNTS}


def expected_clips() -> dict[str, int]:
    """Clips with a caption: one of train's is gone, one is no sound."""
    return _COUNTS | {"train": _COUNTS["train"] + 2}


def remotes() -> dict[str, Content]:
    """What can still be fetched."""
    made = [clip for split in _COUNTS for clip in split_clips(split)]
    return youtube.remotes(made, [_BROKEN.key])


def _list(split: str) -> bytes:
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["audiocap_id", "youtube_id", "start_time", "caption"])
    first = 1000 * list(_COUNTS).index(split)
    for number, (at, caption) in enumerate(_captioned(split), start=first):
        lines.writerow([number, at.video, int(at.start), caption])
    return out.getvalue().encode()


def _captioned(split: str) -> Iterator[tuple[Segment, str]]:
    for clip in split_clips(split):
        said = vocabulary.captions(clip, 5)
        for caption in said[:1] if split == "train" else said:
            yield youtube.of(clip), caption[0].upper() + caption[1:]
    if split == "train":
        yield from ((_GONE, "Rain falls"), (_BROKEN, "No sounds available"), (_SILENT, " "))
