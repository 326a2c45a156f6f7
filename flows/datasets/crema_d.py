"""CREMA-D: twelve sentences acted in six emotions by 91 actors (Cao et al. 2014); tested on."""

import re
from collections.abc import Iterator

from schemas import Archive, Benchmark, Choice, Dataset, Malformed, Raw, Remote, Row

_COMMIT = "1658cd342dff90010aa843eaeebd53610a08b1dc"
_META = f"https://raw.githubusercontent.com/CheyneyComputerScience/CREMA-D/{_COMMIT}"
_SOUND = "https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master"
_EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
_VOTES = {code[0]: word for code, word in _EMOTIONS.items()}
_SENTENCES = "IEO|TIE|IOM|IWW|TAI|MTI|IWL|ITH|DFA|ITS|TSI|WSI"
_NAME = re.compile(rf"(1\d{{3}})_(?:{_SENTENCES})_({'|'.join(_EMOTIONS)})_(?:LO|MD|HI|XX)")
_SILENT = ("1076_MTI_SAD_XX",)
_LEFT_OUT = {  # by the choice of clips
    "all": (),
    "audible": _SILENT,
    "tfds": ("1006_TIE_NEU_XX", "1013_WSI_DIS_XX", "1017_IWW_FEA_XX", "1040_ITH_SAD_XX"),
}
_FOLDS = 5  # Table 2

DATASET = Dataset(
    name="crema_d",
    title="CREMA-D",
    homepage="https://github.com/CheyneyComputerScience/CREMA-D",
    licence="ODbL-1.0",
    citation="Cao et al.: CREMA-D: crowd-sourced emotional multimodal actors dataset, "
    "IEEE T-AFFC 2014",
    archives=(
        Archive(name="SentenceFilenames.csv", url=f"{_META}/SentenceFilenames.csv"),
        Archive(name="summaryTable.csv", url=f"{_META}/processedResults/summaryTable.csv"),
    ),
    splits=("fold1", "fold2", "fold3", "fold4", "fold5"),
    templates=("speech_emotion_recognition",),
    expected_clips={"fold1": 1557, "fold2": 1475, "fold3": 1470, "fold4": 1464, "fold5": 1476},
    bytes=605_899_936,
    choices=(
        Choice(
            name="label",
            value="intended",
            others=("voice_vote",),
            why="The paper does not say which. The emotion the actor was asked for, in the file "
            "name, is what the literature (and HEAR) scores; `voice_vote` takes what most "
            "listeners heard, and leaves ties out.",
        ),
        Choice(
            name="clips",
            value="all",
            others=("audible", "tfds"),
            why="The paper's accuracies fit 7442, 7441 and 7438 clips alike, so nothing is left "
            "out. `audible` leaves out the one clip without sound; `tfds` four clips, three of "
            "which are the same file as one with another label, as HEAR's copy does.",
        ),
        Choice(
            name="folds",
            value="actor",
            others=("clip",),
            why="Table 2 says 5 folds; none are published. Actors take turns, so that a probe is "
            "never tested on a voice it was trained on; `clip` deals out clip by clip.",
        ),
    ),
    notes=(
        "The contents are under DbCL 1.0, the database under ODbL 1.0.",
        "A zip of the repository holds git-lfs pointers of about 130 bytes in place of the sounds: "
        "each is rejected as undecodable. The sounds are fetched one by one.",
        "1076_MTI_SAD_XX has no sound; 1006_TIE_HAP_XX = 1006_TIE_NEU_XX, 1013_WSI_DIS_XX = "
        "1013_WSI_SAD_XX and 1017_IWW_ANG_XX = 1017_IWW_FEA_XX though their labels differ.",
        "The MP3 copies of some clips are wrong; the WAV files are read.",
        "The label `anger` is shown as `angry`: six words that MSP-Podcast trains on.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per line of SentenceFilenames.csv; all but a vote is in the file name."""
    found = {path.rpartition("/")[2]: path for path in raw.names("*.wav")}
    votes = _votes(raw) if raw.choice("label") == "voice_vote" else None
    for number, name in enumerate(_names(raw)):
        clip = found.get(f"{name}.wav", f"AudioWAV/{name}.wav")
        parts = _NAME.fullmatch(name)
        if name in _LEFT_OUT[raw.choice("clips")]:
            reason = "no_sound" if name in _SILENT else "left_out_by_tfds"
            yield Malformed(row_id=name, clip=clip, reason=reason)
        elif parts is None:
            yield Malformed(row_id=name, clip=clip, reason="unexpected_file_name")
        elif (emotion := _emotion(parts[2], name, votes)) is None:
            yield Malformed(row_id=name, clip=clip, reason="no_single_vote")
        else:
            turn = int(parts[1]) - 1001 if raw.choice("folds") == "actor" else number
            split = f"fold{turn % _FOLDS + 1}"
            yield Row(row_id=name, clip=clip, split=split, emotion=emotion)


def remotes(raw: Raw) -> Iterator[Remote]:
    """Every sound, from the repository's store of large files."""
    for name in _names(raw):
        if _NAME.fullmatch(name) and name not in _LEFT_OUT[raw.choice("clips")]:
            yield Remote(name=f"AudioWAV/{name}.wav", url=f"{_SOUND}/AudioWAV/{name}.wav")


def _names(raw: Raw) -> Iterator[str]:
    for table in raw.names("*SentenceFilenames.csv")[:1]:
        for line in raw.csv(table, columns=("Stimulus_Number", "Filename")):
            yield line["Filename"]


def _votes(raw: Raw) -> dict[str, str]:
    """File name to the letters that most listeners chose, e.g. "A" or, tied, "A:D"."""
    return {
        line["FileName"]: line["VoiceVote"]
        for table in raw.names("*summaryTable.csv")[:1]
        for line in raw.csv(table, columns=("FileName", "VoiceVote"))
    }


def _emotion(code: str, name: str, votes: dict[str, str] | None) -> str | None:
    return _EMOTIONS[code] if votes is None else _VOTES.get(votes.get(name, ""))


BENCHMARKS = (
    Benchmark(
        name="crema_d",
        dataset="crema_d",
        title="CREMA-D, emotion recognition",
        splits=DATASET.splits,
        prompts=("this emotion is",),
        truth="emotion",
        scoring="match",
        metric="accuracy",
        labels={word: "angry" if word == "anger" else word for word in _EMOTIONS.values()},
        n_official=7442,
    ),
)
