"""AudioCaps v1: captions of ten-second segments of AudioSet (Kim et al. 2019)."""

from collections.abc import Iterator

from schemas import Access, Archive, Benchmark, Choice, Dataset, Malformed, Raw, Remote, Row
from schemas.youtube import Copy, Segment, segment

_URL = (
    "https://raw.githubusercontent.com/cdjkim/audiocaps/"
    "d004db3ea1b01cf4fd0347dd8d27db90cadc8809/dataset/{}.csv"
)
_LISTS = {
    "train": ("be909c34c4aa154f53acab960a1e998b", 3576723),
    "val": ("29adf3a58afc406fa3a9bd785e20db51", 171918),
    "test": ("9775aec3f52037d12cacda132dd5316d", 402246),
}

DATASET = Dataset(
    name="audiocaps",
    title="AudioCaps v1",
    homepage="https://audiocaps.github.io/",
    licence="LicenseRef-AudioCaps",
    citation="Kim et al.: AudioCaps: generating captions for audios in the wild, NAACL 2019",
    archives=tuple(
        Archive(name=f"{split}.csv", url=_URL.format(split), checksum=f"md5:{md5}", bytes=size)
        for split, (md5, size) in _LISTS.items()
    ),
    access=Access(
        kind="youtube",
        how="The publishers' repository has captions only; the sounds are fetched from YouTube one "
        "by one, and a part of the videos is gone. The publishers give sounds on request: "
        "https://forms.gle/2wF54Y1Ft2LtPdhW8. A copy has the v1 lists train.csv, val.csv and "
        "test.csv, and sounds in any folder named by video id: <id>.wav, Y<id>.wav, <id>_30.wav.",
    ),
    splits=("train", "val", "test"),
    train=("train",),
    templates=("audio_captioning",),
    expected_clips={"train": 49838, "val": 495, "test": 975},
    expected_rows={"train": 49838, "val": 2475, "test": 4875},
    hours=142.5,  # 51,308 segments of at most 10 s
    choices=(
        Choice(
            name="placeholders",
            value="kept",
            others=("left_out",),
            why="Four training captions say that there is none (Not available, No sounds "
            "available). The paper names no clean-up, so they stay.",
        ),
    ),
    notes=(
        "Captions are for academic use; the sounds belong to those who uploaded them.",
        "v2 (2025, dataset2.0/) is later than the paper and is not read.",
        "Every clip is a segment of AudioSet's training lists.",
        "Table 2 counts 39k files: the authors had about three quarters of the 51308 clips.",
        "A corrected training list, train_fixed.csv of aac-datasets, is not the paper's.",
    ),
)

_COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")
_LENGTH = 10  # seconds
_PLACEHOLDERS = {"not available", "no sounds available"}


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per caption: one a clip in train, five in val and test."""
    copy = Copy(raw.names())
    left_out = _PLACEHOLDERS if raw.choice("placeholders") == "left_out" else set[str]()
    for split, line, wanted in _lines(raw):
        row_id, clip = f"{split}:{line['audiocap_id']}", copy.clip(wanted)
        caption = line["caption"].strip()
        if not caption:
            yield Malformed(row_id=row_id, clip=clip, reason="empty_caption")
        elif caption.lower() in left_out:
            yield Malformed(row_id=row_id, clip=clip, reason="placeholder_caption")
        else:
            yield Row(row_id=row_id, clip=clip, split=split, caption=caption, **wanted.credit)


def remotes(raw: Raw) -> Iterator[Remote]:
    """The sound of every clip, once however many captions it has."""
    yield from dict.fromkeys(wanted.remote for _, _, wanted in _lines(raw))


def _lines(raw: Raw) -> Iterator[tuple[str, dict[str, str], Segment]]:
    """(split, line, its segment); ValueError where a line is damaged."""
    for split in DATASET.splits:
        for path in raw.names(f"*{split}.csv"):
            folder, _, name = path.rpartition("/")
            if name != f"{split}.csv" or folder.endswith("dataset2.0"):
                continue
            for number, line in enumerate(raw.csv(path, columns=_COLUMNS), start=2):
                video, start = line["youtube_id"], line["start_time"]
                found = segment(f"{path}: row {number}", video, start, start)
                yield split, line, found._replace(end=found.start + _LENGTH)


BENCHMARKS = (
    Benchmark(
        name="audiocaps_cap",
        dataset="audiocaps",
        title="AudioCaps, audio captioning",
        splits=("test",),
        validation=("val",),
        prompts=("generate audio caption",),
        truth="caption",
        scoring="caption",
        metric="SPIDEr",
        n_official=975,
    ),
    Benchmark(
        name="audiocaps_t2a",
        dataset="audiocaps",
        title="AudioCaps, text-to-audio retrieval",
        splits=("test",),
        validation=("val",),
        prompts=("generate audio caption", "generate metadata"),
        truth="caption",
        scoring="text_to_audio",
        metric="R@1",
        n_official=975,
    ),
    Benchmark(
        name="audiocaps_a2t",
        dataset="audiocaps",
        title="AudioCaps, audio-to-text retrieval",
        splits=("test",),
        validation=("val",),
        prompts=("generate audio caption", "generate metadata"),
        truth="caption",
        scoring="audio_to_text",
        metric="R@1",
        n_official=975,
    ),
)
