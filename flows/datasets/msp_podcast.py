"""MSP-Podcast: speaking turns of podcasts with crowd-sourced emotion (Lotfian and Busso 2017)."""

from collections.abc import Iterator

from schemas import Access, Archive, Choice, Dataset, Malformed, Raw, Row

_EMOTIONS = {  # EmoClass; X (no agreement) and O (other) are no emotion that can be named
    "A": "angry",
    "S": "sad",
    "H": "happy",
    "U": "surprise",
    "F": "fear",
    "D": "disgust",
    "C": "contempt",
    "N": "neutral",
}
_NAMELESS = {"X": "no_agreement", "O": "other_emotion"}
_SPLITS = {"Train": "train", "Development": "development", "Test1": "test1", "Test2": "test2"}
_COLUMNS = ("FileName", "EmoClass", "EmoVal", "Split_Set")
_NEUTRAL = (3.5, 4.5)  # EmoVal runs from 1 (very negative) to 7; half a point around its middle

DATASET = Dataset(
    name="msp_podcast",
    title="MSP-Podcast",
    homepage="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
    licence="LicenseRef-MSP-Podcast-Agreement",
    citation="Lotfian and Busso: Building naturalistic emotionally balanced speech corpus by "
    "retrieving emotional speech from existing podcast recordings, IEEE T-AFFC 2019",
    archives=(Archive(name="Audios.tar.gz"), Archive(name="Labels.tar.gz")),
    access=Access(
        kind="agreement",
        how="Sign the academic or commercial licence of the MSP lab, UT Dallas (Prof. Carlos "
        "Busso; see the homepage). Unpacked, a copy holds Audios/MSP-PODCAST_XXXX_YYYY.wav and "
        "Labels/labels_consensus.csv.",
    ),
    splits=("train", "development", "test1", "test2"),
    train=("train",),
    templates=("speech_emotion_recognition",),
    expected_clips={"train": 84030, "development": 19815, "test1": 30647, "test2": 14815},
    hours=237.9,
    choices=(
        Choice(
            name="release",
            value="1.11",
            others=("1.12", "2.0"),
            why="The paper (May 2023) names no release; of those whose counts are known, 1.11 is "
            "the only one from before 2024. It decides only where a copy holds several, in "
            "folders that have the release in their names.",
        ),
        Choice(
            name="sentiment",
            value="none",
            others=("valence",),
            why="The corpus has no sentiment classes, and the paper does not say that it made some "
            "of the valence scores. `valence` makes three: negative below 3.5, positive above 4.5.",
            adds={"valence": ("speech_sentiment_recognition",)},
        ),
    ),
    notes=(
        "Counts and hours are those of release 1.11 and include turns without a named emotion.",
        "No agreement (X) and other (O) are rejected, and so is Test3, whose labels are not given.",
        "Files are added and removed between releases; some train speakers are unknown.",
        "The licence forbids passing on sounds, labels and transcripts.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per speaking turn of Labels/labels_consensus.csv with an emotion (or sentiment)."""
    table = _labels(raw)
    found = _clips(raw, table.rpartition("Labels/")[0])
    valence = raw.choice("sentiment") == "valence"
    for line in raw.csv(table, columns=_COLUMNS):
        name = line["FileName"]
        clip = found.get(name, f"Audios/{name}")
        emotion = _EMOTIONS.get(line["EmoClass"])
        sentiment = _sentiment(line["EmoVal"]) if valence else None
        if reason := _reason(line, emotion, sentiment, valence):
            yield Malformed(row_id=_row_id(line), clip=clip, reason=reason)
        else:
            yield Row(
                row_id=_row_id(line),
                clip=clip,
                split=_SPLITS[line["Split_Set"]],
                emotion=emotion,
                sentiment=sentiment,
            )


def _labels(raw: Raw) -> str:
    """The label file; of several that of the release asked for."""
    tables = raw.names("*labels_consensus.csv")
    release = raw.choice("release")
    asked = [table for table in tables if release in table] if len(tables) > 1 else tables
    if len(asked) != 1:
        raise ValueError(
            f"msp_podcast: expected one Labels/labels_consensus.csv of release {release}; found "
            f"{', '.join(tables) or 'none'}. Give the folder of one release with --raw."
        )
    return asked[0]


def _clips(raw: Raw, root: str) -> dict[str, str]:
    """File name to member; the folder is called Audios, in some copies Audio."""
    paths = raw.names("*MSP-PODCAST_*.wav")
    near = [path for path in paths if path.startswith(root)]
    return {path.rpartition("/")[2]: path for path in near or paths}


def _row_id(line: dict[str, str]) -> str:
    return line["FileName"].removesuffix(".wav")


def _reason(
    line: dict[str, str], emotion: str | None, sentiment: str | None, valence: bool
) -> str | None:
    """Why a line is no row, or None."""
    if line["Split_Set"] == "Test3":
        return "unlabelled_split"
    if line["Split_Set"] not in _SPLITS:
        return "unknown_split"
    if valence and sentiment is None:
        return "unknown_valence"
    if emotion is None and not (valence and line["EmoClass"] in _NAMELESS):
        return _NAMELESS.get(line["EmoClass"], "unknown_emotion")
    return None


def _sentiment(valence: str) -> str | None:
    """Negative, neutral or positive; None for what is no score from 1 to 7."""
    try:
        score = float(valence)
    except ValueError:
        return None
    if not 1 <= score <= 7:
        return None
    low, high = _NEUTRAL
    return "negative" if score < low else "positive" if score > high else "neutral"


BENCHMARKS = ()
