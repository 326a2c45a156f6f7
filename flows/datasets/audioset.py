"""AudioSet: ten-second segments of YouTube videos with 527 classes (Gemmeke et al. 2017)."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from schemas import Access, Archive, Benchmark, Dataset, Malformed, Raw, Remote, Row
from schemas.audioset import NAMES
from schemas.youtube import Copy, Segment, damaged, segment

_URL = "https://storage.googleapis.com/us_audioset/youtube_corpus/v1/csv/{}"
_MD5 = {
    "balanced_train_segments.csv": "0ec13c62ec25d1148b9bf3390dee8bd7",
    "unbalanced_train_segments.csv": None,
    "eval_segments.csv": "85e796902a4e6a0898980a55f86b55f3",
    "class_labels_indices.csv": "68c0b5c199d6cc789852b144cc3ab500",
}

DATASET = Dataset(
    name="audioset",
    title="AudioSet",
    homepage="https://research.google.com/audioset/",
    licence="CC-BY-4.0",
    citation="Gemmeke et al.: Audio Set: an ontology and human-labeled dataset, ICASSP 2017",
    archives=tuple(
        Archive(name=name, url=_URL.format(name), checksum=md5 and f"md5:{md5}")
        for name, md5 in _MD5.items()
    ),
    access=Access(
        kind="youtube",
        how="Google publishes lists only; the sounds are fetched from YouTube one by one, and a "
        "part of the videos is gone. A copy has the three *_segments.csv, and sounds in any folder "
        "named by video id: <id>.wav, Y<id>.wav, <id>_30.000.flac, <id>_30.000_40.000.m4a.",
    ),
    splits=("balanced_train", "unbalanced_train", "eval"),
    train=("balanced_train", "unbalanced_train"),
    templates=("sound_event_classification",),
    expected_clips={"balanced_train": 22160, "unbalanced_train": 2041789, "eval": 20371},
    hours=5790,  # 2,084,320 segments of at most 10 s
    bytes=1_100_000_000_000,
    notes=(
        "The lists are CC BY 4.0; the sounds belong to those who uploaded them.",
        "About 1.1 TB is what PANNs report of their copy: 20550, 1913637 and 18887 segments.",
        "No checksum of the unbalanced list is known; those of the other two lists are of copies "
        "with the published header and counts.",
        "A list that went through a spreadsheet has ids turned into #NAME?: it is refused.",
        "Every clip of AudioCaps and of DCASE 2017 Task 4 is a segment of AudioSet.",
    ),
)

_COLUMNS = ["YTID", "start_seconds", "end_seconds", "positive_labels"]
_MIDS = re.compile(r"/[a-z]/[A-Za-z0-9_]+(?:,/[a-z]/[A-Za-z0-9_]+)*")


class _Line(NamedTuple):
    split: str
    segment: Segment
    mids: tuple[str, ...]

    @property
    def fault(self) -> str | None:
        if self.segment.end <= self.segment.start:
            return "no_duration"
        return None if NAMES.keys() >= set(self.mids) else "unknown_class"


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per segment, its classes in the list's order; a damaged list is refused."""
    _refuse_other_names(raw)
    copy = Copy(raw.names())
    for line in _lines(raw):
        row_id, clip = f"{line.split}:{line.segment.key}", copy.clip(line.segment)
        if line.fault:
            yield Malformed(row_id=row_id, clip=clip, reason=line.fault)
        else:
            yield Row(
                row_id=row_id,
                clip=clip,
                split=line.split,
                events=tuple(NAMES[mid] for mid in line.mids),
                **line.segment.credit,
            )


def remotes(raw: Raw) -> Iterator[Remote]:
    """The sound of every segment that is a row."""
    yield from (line.segment.remote for line in _lines(raw) if not line.fault)


def _lines(raw: Raw) -> Iterator[_Line]:
    lists = raw.names("*_segments.csv")
    for split in DATASET.splits:
        for path in lists:
            if path.rpartition("/")[2] == f"{split}_segments.csv":
                yield from _list(raw, path, split)


def _list(raw: Raw, path: str, split: str) -> Iterator[_Line]:
    """The segments of one list; ValueError where a line is damaged, or some are lost."""
    comments, plain, promised = _header(raw, path)
    # comment="#" would pass over the ids that a spreadsheet turned into "#NAME?"
    lines = raw.csv(path, delimiter=", ", header=_COLUMNS, comment="# ")
    first = comments + plain + 1
    last = first - 1
    for last, line in enumerate(islice(lines, plain, None), start=first):
        where, mids = f"{path}: row {last}", line["positive_labels"]
        found = segment(where, line["YTID"], line["start_seconds"], line["end_seconds"])
        if not _MIDS.fullmatch(mids) or line.get("", "").strip(","):
            cells = repr(f"{mids},{line.get('', '')}")
            raise damaged(where, "one cell of MIDs such as /m/09x0r,/t/dd00088", cells)
        yield _Line(split, found, tuple(mids.split(",")))
    if promised not in (None, last + 1 - first):
        raise damaged(path, f"the {promised} segments of its header", str(last + 1 - first))


def _header(raw: Raw, path: str) -> tuple[int, bool, int | None]:
    """How many comments, whether a plain line with the columns follows, how many segments.

    Google names the columns in the third comment, some copies in a plain line; ValueError where
    they are others.
    """
    with raw.open(path) as file:
        head = [line.decode("utf-8-sig").strip() for line in islice(file, 4)]
    comments = [line.removeprefix("# ") for line in head if line.startswith("# ")]
    named = [line for line in (*comments, *head) if line.startswith("YTID")]
    columns = [column.strip() for column in named[0].split(",")] if named else []
    if columns != _COLUMNS:
        found = named or comments or head or ["an empty file"]
        raise damaged(f"{path}: header", f"the columns {', '.join(_COLUMNS)}", found[0])
    count = re.search(r"num_segs=(\d+)", " ".join(comments))
    return len(comments), named[0] not in comments, int(count[1]) if count else None


def _refuse_other_names(raw: Raw) -> None:
    for path in raw.names("*class_labels_indices.csv"):
        table = raw.csv(path, columns=("index", "mid", "display_name"))
        found = {line["mid"]: line["display_name"] for line in table}
        if found != NAMES:
            other = sorted(found.items() ^ NAMES.items())[:4]
            raise ValueError(
                f"{path}: expected the 527 classes of schemas/audioset.py; found others: {other}. "
                "The publisher changed the table, or it is another one: correct that module"
            )


BENCHMARKS = (
    Benchmark(
        name="audioset",
        dataset="audioset",
        title="AudioSet, sound event classification",
        splits=("eval",),
        prompts=("this is a sound of", "generate metadata", "generate audio caption"),
        truth="events",
        scoring="multilabel",
        metric="mAP",
        labels={name: name.lower() for name in NAMES.values()},
        n_official=20371,
    ),
)
