"""CMU-MOSI: opinion segments of film reviews with a sentiment score (Zadeh et al. 2016)."""

import re
from collections.abc import Iterator

from schemas import Access, Archive, Choice, Dataset, Malformed, Raw, Row

WORDS = {  # seven classes; the words of the CMU-MOSEI paper
    -3: "highly negative",
    -2: "negative",
    -1: "weakly negative",
    0: "neutral",
    1: "weakly positive",
    2: "positive",
    3: "highly positive",
}
_COLUMNS = ("video_id", "clip_id", "label", "mode")
_YOUTUBE = re.compile(r"[\w-]{11}", re.ASCII)
_SOUND = re.compile(r"([^/]+)[/_](\d+)\.(?:mp4|wav|flac|m4a|mp3)$")

DATASET = Dataset(
    name="cmu_mosi",
    title="CMU-MOSI",
    homepage="https://github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK",
    licence="LicenseRef-CMU-MOSI-Research-Only",
    citation="Zadeh et al.: MOSI: multimodal corpus of sentiment intensity and subjectivity "
    "analysis in online opinion videos, IEEE Intelligent Systems 2016",
    archives=(Archive(name="Raw.zip"), Archive(name="label.csv")),
    access=Access(
        kind="agreement",
        how="The authors' server no longer gives out the videos. Ask the MultiComp lab of CMU (see "
        "the homepage), or take the folder MOSI that https://github.com/thuiar/MMSA links to. A "
        "copy holds label.csv (video_id, clip_id, label, mode, ..) and Raw/<video_id>/"
        "<clip_id>.mp4; sounds called <video_id>_<clip_id>.wav are found too. The label files in "
        "HDF5 (.csd) are not read: they do not say which segment is in which split.",
    ),
    splits=("train", "valid", "test"),
    train=("train",),
    templates=("speech_sentiment_recognition",),
    expected_clips={"train": 1284},
    choices=(
        Choice(
            name="sentiment_bins",
            value="three",
            others=("two", "two_nonnegative", "seven"),
            why="The paper prints `positive` and `negative` and does not say what becomes of a "
            "score of 0. `three` (its sign, 0 is neutral) leaves no segment out and has the words "
            "of MELD; `two` leaves 0 out, `two_nonnegative` calls it positive, `seven` rounds.",
        ),
    ),
    notes=(
        "2199 segments in 93 videos; 229 of validation and 686 of test are not confirmed.",
        "Nearly all video ids are of YouTube; some start with a dash.",
        "Clips are counted from 1 in label.csv and Raw, from 0 in the HDF5 files.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per line of label.csv, in the layout of thuiar/MMSA."""
    found = {(m[1], int(m[2])): path for path in raw.names() if (m := _SOUND.search(path))}
    for table in raw.names("*label.csv")[:1]:
        lines = list(raw.csv(table, columns=_COLUMNS))  # 2199
        _same_count({line["clip_id"] for line in lines}, {number for _, number in found})
        for number, line in enumerate(lines, start=2):
            yield _row(raw, f"label.csv:{number}", line, found)


def _row(
    raw: Raw, row_id: str, line: dict[str, str], found: dict[tuple[str, int], str]
) -> Row | Malformed:
    video, piece, split = line["video_id"], line["clip_id"], line["mode"]
    clip = f"Raw/{video}/{piece}.mp4"
    score = _score(line["label"])
    if not piece.isdecimal():
        return Malformed(row_id=row_id, clip=clip, reason="unknown_segment")
    if split not in DATASET.splits:
        return Malformed(row_id=row_id, clip=clip, reason="unknown_split")
    if score is None:
        return Malformed(row_id=row_id, clip=clip, reason="unknown_score")
    if (sentiment := _sentiment(score, raw.choice("sentiment_bins"))) is None:
        return Malformed(row_id=row_id, clip=clip, reason="neutral_score")
    return Row(
        row_id=row_id,
        clip=found.get((video, int(piece)), clip),
        split=split,
        sentiment=sentiment,
        origin_ids=(f"youtube:{video}",) if _YOUTUBE.fullmatch(video) else (),
    )


def _same_count(labels: set[str], sounds: set[int]) -> None:
    """ValueError when sounds count from 0 and labels from 1: each would get its neighbour's."""
    if 0 in sounds and "0" not in labels:
        raise ValueError(
            "cmu_mosi: label.csv counts the clips of a video from 1, but there are sounds with "
            "the number 0. Expected Raw/<video_id>/<clip_id>.mp4 as label.csv counts; rename them."
        )


def _score(text: str) -> float | None:
    """The score from -3 to 3; None for anything else."""
    try:
        score = float(text)
    except ValueError:
        return None
    return score if -3 <= score <= 3 else None


def _sentiment(score: float, bins: str) -> str | None:
    """The word for a score; None for a score of 0 where the two classes leave it out."""
    if bins == "seven":
        return WORDS[round(score)]
    if score == 0:
        return {"three": "neutral", "two_nonnegative": "positive", "two": None}[bins]
    return "positive" if score > 0 else "negative"


BENCHMARKS = ()
