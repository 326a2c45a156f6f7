"""CMU-MOSEI in small: whole recordings of eight sentences, cut by the times in the label files."""

from functools import partial
from typing import NamedTuple

import numpy as np

from flows.mini import sounds
from flows.mini.clotho_v2 import table
from flows.mini.pack import Tree
from flows.mini.sounds import Samples
from flows.mini.voices import speech, voice

_RATE = 16_000  # Hz
_FOLDER = "CMU_MOSEI/Raw/Audio/Full/WAV_16000"
_SENTENCE, _PAUSE = 2.2, 0.6  # seconds
_EMOTIONS = ("happy", "sad", "anger", "surprise", "disgust", "fear")
_SPOKEN = (*_EMOTIONS, "neutral", "happy")  # the eight sentences of a recording, in some order
_VIDEOS = {
    "Data_Train_modified.csv": (
        *("-mini0Talks", "mini1_Talks", "286943", "mini3Talk-s", "mini4Talks_", "mini5Talks0"),
        *("mini6Talks1", "_mini7Talks"),
    ),
    "Data_Val_modified.csv": ("mini8Talks2",),
    "Data_Test_original.csv": ("mini9Talks3", "81406"),
}
_HEADER = ["video", "start_time", "end_time", "sentiment", *_EMOTIONS, "text", "ASR"]
_SENTIMENT = {"positive": 1.3333334, "neutral": 0.0, "negative": -1.6666666}


class _Sentence(NamedTuple):
    video: str
    start: float
    emotion: str

    @property
    def end(self) -> float:
        return self.start + _SENTENCE


def tree() -> Tree:
    """CMU_MOSEI.zip and the label files: a recording is broken, one missing, one has no line."""
    videos = [video for names in _VIDEOS.values() for video in names]
    members: Tree = {f"{_FOLDER}/{video}.wav": partial(_recording, video) for video in videos}
    members[f"{_FOLDER}/brokenTalks.wav"] = b"RIFF" + bytes(40)
    members[f"{_FOLDER}/mini9Unused.wav"] = partial(_recording, "mini9Unused")
    tables = {
        file: table(_HEADER, [_line(said) for video in names for said in _sentences(video)])
        for file, names in _VIDEOS.items()
    }
    first = next(iter(tables))
    tables[first] += table(_HEADER, _faulty()).partition(b"\r\n")[2]
    return {"CMU_MOSEI.zip": members, **tables}


def expected_clips() -> dict[str, int]:
    """Pieces: two of train are of recordings that cannot be used."""
    return {"train": 66, "valid": 8, "test": 16}


def _sentences(video: str) -> list[_Sentence]:
    order = sounds.seeded("cmu_mosei", video).permutation(len(_SPOKEN))
    starts = [0.4 + number * (_SENTENCE + _PAUSE) for number in range(len(_SPOKEN))]
    return [
        _Sentence(video, start, _SPOKEN[kind]) for start, kind in zip(starts, order, strict=True)
    ]


def _line(said: _Sentence) -> list[str]:
    """Scores of 0 to 3 with one above the others; the neutral sentence has none at all."""
    scores = {name: 0.0 for name in _EMOTIONS}
    if said.emotion != "neutral":
        scores[said.emotion] = 2.0
        scores["sad" if said.emotion == "fear" else "fear"] += 0.3333333
    sentiment = _SENTIMENT[voice(said.emotion).sentiment]
    numbers = (said.start, said.end, sentiment, *scores.values())
    return [said.video, *map(str, numbers), "so, as I said", ""]


def _faulty() -> list[list[str]]:
    """A tie, times that cannot be, a score that is none, recordings that cannot be used."""
    labels = ["1.0", "1.0", "0.0", "0.0", "0.0", "0.0", "0.0", "what", ""]
    return [
        ["286943", "-0.18", "2.0", *labels],
        ["286943", "9.5", "9.1", *labels],
        ["286943", "4.0", "6.0", "", *labels[1:]],
        ["brokenTalks", "1.0", "3.0", *labels[:2], "1.0", *labels[3:]],
        ["missingTalk", "1.0", "3.0", *labels],
    ]


def _recording(video: str) -> bytes:
    """Sentences over a faint floor; between them nobody speaks."""
    total = int((len(_SPOKEN) * (_SENTENCE + _PAUSE) + 0.8) * _RATE)
    out: Samples = 0.001 * sounds.seeded("cmu_mosei floor", video).standard_normal(total)
    for said in _sentences(video):
        first, count = round(said.start * _RATE), int(_SENTENCE * _RATE)
        rng = sounds.seeded("cmu_mosei", *said)
        out[first : first + count] += speech(rng, voice(said.emotion), count, _RATE)
    return sounds.wav(np.clip(out, -1, 1), _RATE)
