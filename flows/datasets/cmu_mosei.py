"""CMU-MOSEI: sentences of monologues with sentiment and emotion scores (Zadeh et al. 2018).

The recordings are whole videos; a row is a piece of one, by the start and end in the label files.
"""

import math
import re
from collections.abc import Iterator

from schemas import Access, Archive, Choice, Dataset, Malformed, Raw, Row

WORDS = {  # seven classes of sentiment, in the words of the paper
    -3: "highly negative",
    -2: "negative",
    -1: "weakly negative",
    0: "neutral",
    1: "weakly positive",
    2: "positive",
    3: "highly positive",
}
EMOTIONS = ("happy", "sad", "anger", "surprise", "disgust", "fear")
_ADJECTIVES = {"anger": "angry"}  # the rest is spelt alike
_FILES = {  # split -> beginnings of the label file's name, the corrected version first
    "train": ("Data_Train_modified", "Data_Train_original"),
    "valid": ("Data_Val_modified", "Data_Val_original"),
    "test": ("Data_Test_modified", "Data_Test_original"),
}
_COLUMNS = ("video", "start_time", "end_time", "sentiment", *EMOTIONS)
_FOLDER = "CMU_MOSEI/Raw/Audio/Full/WAV_16000"
_YOUTUBE = re.compile(r"[\w-]{11}", re.ASCII)

DATASET = Dataset(
    name="cmu_mosei",
    title="CMU-MOSEI",
    homepage="https://github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK",
    licence="LicenseRef-CMU-MOSEI-Research-Only",
    citation="Zadeh et al.: Multimodal language analysis in the wild: CMU-MOSEI dataset and "
    "interpretable dynamic fusion graph, ACL 2018",
    archives=(
        Archive(name="CMU_MOSEI.zip"),
        Archive(name="Data_Train_modified.csv"),
        Archive(name="Data_Val_modified.csv"),
        Archive(name="Data_Test_original.csv"),
    ),
    access=Access(
        kind="agreement",
        how="The authors' server is mostly down and they no longer share the videos: ask the "
        "MultiComp lab of CMU (see the homepage). A copy holds whole recordings, "
        "<video>.wav (in CMU_MOSEI.zip below Raw/Audio/Full/WAV_16000) or <video>.mp4, and the "
        "label files Data_Train_modified.csv, Data_Val_modified.csv and Data_Test_original.csv "
        "with the columns video, start_time, end_time, sentiment, happy, sad, anger, surprise, "
        "disgust, fear. They are the scores of CMU_MOSEI_Labels.csd (HDF5, not read here) by "
        "split. The label.csv of MMSA has no emotions and no times.",
    ),
    splits=("train", "valid", "test"),
    train=("train",),
    templates=("speech_emotion_recognition", "speech_sentiment_recognition"),
    expected_clips={"train": 16326},
    hours=65.9,
    choices=(
        Choice(
            name="sentiment_bins",
            value="three",
            others=("two", "two_nonnegative", "seven"),
            why="The paper prints `positive` and `negative` and does not say what becomes of a "
            "score of 0. `three` (its sign, 0 is neutral) leaves no segment out and has the words "
            "of MELD; `two` leaves 0 out, `two_nonnegative` calls it positive, `seven` has the "
            "corpus' own edges, away from 0 (unlike CMU-MOSI's rounding).",
        ),
        Choice(
            name="emotion",
            value="highest",
            others=("highest_or_neutral", "present"),
            why="Six scores from 0 to 3 and no rule in the paper. `highest` takes the one highest "
            "score; ties and all zeros have no emotion, since either word would be a guess. "
            "`highest_or_neutral` calls all zeros neutral; `present` lists every score above 0.",
        ),
        Choice(
            name="emotion_words",
            value="publisher",
            others=("msp_podcast",),
            why="The paper does not say that it made the words of its sources alike (anger and "
            "angry), so they stay as published.",
        ),
    ),
    notes=(
        "The paper of the corpus counts 23,453 segments; the split counts in use are 16,326, "
        "1,871 and 4,659, of which only the first is confirmed.",
        "Rows without an emotion (ties, all zeros) still have a sentiment.",
        "Pieces that start before 0 or end before they start are rejected.",
        "459 of the 3,227 recordings have a number for a name, the others a YouTube id.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per line of the label files: a piece of a recording."""
    found = _recordings(raw)
    for split, names in _FILES.items():
        tables = [table for name in names for table in raw.names(f"*{name}*.csv")]
        for table in tables[:1]:
            file = table.rpartition("/")[2]
            for number, line in enumerate(raw.csv(table, columns=_COLUMNS), start=2):
                video = line["video"]
                recording = found.get(video, f"{_FOLDER}/{video}.wav")
                yield _row(raw, f"{file}:{number}", split, recording, line)


def _recordings(raw: Raw) -> dict[str, str]:
    """Video id to member: the sound, or else the film."""
    paths = [*raw.names("*.mp4"), *raw.names("*.wav")]
    return {path.rpartition("/")[2].rpartition(".")[0]: path for path in paths}


def _row(
    raw: Raw, row_id: str, split: str, recording: str, line: dict[str, str]
) -> Row | Malformed:
    try:
        start, end = float(line["start_time"]), float(line["end_time"])
        scores = [float(line[name]) for name in ("sentiment", *EMOTIONS)]
    except ValueError:
        return Malformed(row_id=row_id, clip=recording, reason="not_a_number")
    if reason := _fault(start, end, scores):
        return Malformed(row_id=row_id, clip=recording, reason=reason)
    sentiment = _sentiment(scores[0], raw.choice("sentiment_bins"))
    emotion = _emotion(scores[1:], raw.choice("emotion"))
    if emotion is None and sentiment is None:
        return Malformed(row_id=row_id, clip=recording, reason="no_label")
    if raw.choice("emotion_words") == "msp_podcast" and emotion:
        emotion = ", ".join(_ADJECTIVES.get(word, word) for word in emotion.split(", "))
    return Row(
        row_id=row_id,
        clip=f"{recording}#t={start:.3f},{end:.3f}",
        split=split,
        emotion=emotion,
        sentiment=sentiment,
        origin_ids=(f"youtube:{line['video']}",) if _YOUTUBE.fullmatch(line["video"]) else (),
    )


def _fault(start: float, end: float, scores: list[float]) -> str | None:
    """Why the piece or its scores cannot be, or None."""
    if not (math.isfinite(start) and math.isfinite(end)):
        return "not_a_number"
    if start < 0:
        return "starts_before_0"
    if round(end, 3) <= round(start, 3):
        return "ends_before_it_starts"
    if not (-3 <= scores[0] <= 3 and all(0 <= score <= 3 for score in scores[1:])):
        return "score_out_of_range"
    return None


def _sentiment(score: float, bins: str) -> str | None:
    """The word for a score; None for a score of 0 where the two classes leave it out."""
    if bins == "seven":
        return WORDS[math.ceil(score) if score > 0 else math.floor(score)]
    if score == 0:
        return {"three": "neutral", "two_nonnegative": "positive", "two": None}[bins]
    return "positive" if score > 0 else "negative"


def _emotion(scores: list[float], rule: str) -> str | None:
    """The word (or words) for the six scores under a rule; None where there is none."""
    present = [word for word, score in zip(EMOTIONS, scores, strict=True) if score > 0]
    if not present:
        return "neutral" if rule == "highest_or_neutral" else None
    if rule == "present":
        return ", ".join(present)
    highest = [w for w, score in zip(EMOTIONS, scores, strict=True) if score == max(scores)]
    return highest[0] if len(highest) == 1 else None


BENCHMARKS = ()
