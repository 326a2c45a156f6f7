"""RAVDESS: two sentences spoken and sung in eight emotions (Livingstone and Russo 2018); tested on.

Modality, channel, emotion, strength, sentence, take and actor are in the file name.
"""

import re
from collections.abc import Iterator

from schemas import Archive, Benchmark, Choice, Dataset, Malformed, Raw, Row

_ZENODO = "https://zenodo.org/record/1188976/files/Audio_{}_Actors_01-24.zip?download=1"
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
_CHANNELS = {"01": "speech", "02": "song"}
_SILENT_SINGER = "18"  # no songs by this actor
_FOLDS = 5  # Table 2
_NAME = re.compile(r"03-(0[12])-(0[1-8])-(0[12])-0[12]-0[12]-(0[1-9]|1\d|2[0-4])\.wav")

DATASET = Dataset(
    name="ravdess",
    title="RAVDESS",
    homepage="https://zenodo.org/record/1188976",
    licence="CC-BY-NC-SA-4.0",
    citation="Livingstone and Russo: The Ryerson audio-visual database of emotional speech and "
    "song (RAVDESS), PLoS ONE 2018",
    archives=(
        Archive(
            name="Audio_Speech_Actors_01-24.zip",
            url=_ZENODO.format("Speech"),
            checksum="md5:bc696df654c87fed845eb13823edef8a",
        ),
        Archive(name="Audio_Song_Actors_01-24.zip", url=_ZENODO.format("Song")),
    ),
    splits=("fold1", "fold2", "fold3", "fold4", "fold5"),
    templates=("speech_emotion_recognition",),
    expected_clips={"fold1": 520, "fold2": 520, "fold3": 476, "fold4": 520, "fold5": 416},
    bytes=413_000_000,  # 215 MB and 198 MB
    choices=(
        Choice(
            name="clips",
            value="speech_and_song",
            others=("speech", "song"),
            why="Table 2 says 2.5k files and 8 classes: 1440 of speech and 1012 of song are 2452. "
            "Of the five printed accuracies three are k/2452, one is k/1440 and one neither, so "
            "the subset is likely and not certain.",
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
        "Neutral is never strong; disgust and surprised are never sung; actor 18 does not sing.",
        "Both zips unpack to Actor_NN; the names differ, so they may be merged.",
        "Some copies hold every file twice, in a folder inside: each name is read once.",
        "No checksum of the song zip is known.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per file name of the chosen channels, all from the name."""
    wanted = raw.choice("clips").split("_and_")
    number = 0
    for file, path in sorted(_once(raw).items()):
        parts = _NAME.fullmatch(file)
        if parts is None:
            yield Malformed(row_id=file, clip=path, reason="unexpected_file_name")
        elif not _exists(*parts.groups()):
            yield Malformed(row_id=file, clip=path, reason="no_such_recording")
        elif _CHANNELS[parts[1]] in wanted:
            turn = int(parts[4]) - 1 if raw.choice("folds") == "actor" else number
            split = f"fold{turn % _FOLDS + 1}"
            number += 1
            yield Row(
                row_id=file.removesuffix(".wav"), clip=path, split=split, emotion=EMOTIONS[parts[2]]
            )


def _once(raw: Raw) -> dict[str, str]:
    """File name to member, the one nearest the top where a name is there twice."""
    found: dict[str, str] = {}
    for path in sorted(raw.names("*.wav"), key=lambda path: (path.count("/"), path)):
        file = path.rpartition("/")[2]
        if not file.startswith("._"):  # what macOS adds to a zip
            found.setdefault(file, path)
    return found


def _exists(channel: str, emotion: str, strength: str, actor: str) -> bool:
    """Whether the publisher recorded such a take."""
    strong_neutral = EMOTIONS[emotion] == "neutral" and strength == "02"
    sung = _CHANNELS[channel] == "song"
    unsung = EMOTIONS[emotion] in ("disgust", "surprised") or actor == _SILENT_SINGER
    return not strong_neutral and not (sung and unsung)


BENCHMARKS = (
    Benchmark(
        name="ravdess",
        dataset="ravdess",
        title="RAVDESS, emotion recognition",
        splits=DATASET.splits,
        prompts=("this emotion is",),
        truth="emotion",
        scoring="match",
        metric="accuracy",
        labels={word: word for word in EMOTIONS.values()},
        n_official=2452,
    ),
)
