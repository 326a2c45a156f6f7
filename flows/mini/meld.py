"""MELD in small: MP4 files in nested tars, a voice whose pitch and pace follow the emotion."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import NamedTuple

from flows.mini import sounds
from flows.mini.clotho_v2 import table
from flows.mini.films import mp4
from flows.mini.pack import Tree
from flows.mini.voices import VOICES, speech

_PARTS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
_COUNTS = {"train": 168, "dev": 21, "test": 42}
_EMOTIONS = ("neutral", "joy", "sadness", "anger", "surprise", "fear", "disgust")
_HEADER = [
    *("Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"),
    *("Season", "Episode", "StartTime", "EndTime"),
]


class _Utterance(NamedTuple):
    part: str
    number: int
    emotion: str

    @property
    def ids(self) -> tuple[int, int]:
        return self.number // 6, self.number % 6

    @property
    def file(self) -> str:
        return "dia{}_utt{}.mp4".format(*self.ids)

    @property
    def sentiment(self) -> str:
        """Surprise is the one emotion of two sentiments."""
        surprised = self.emotion == "surprise" and self.number % 14 >= 7
        return "negative" if surprised else VOICES[self.emotion].sentiment


def tree() -> Tree:
    """MELD.Raw.tar.gz and the three CSVs beside it."""
    inner: Tree = {f"{part}.tar.gz": _clips(part) for part in _PARTS}
    lines = {f"{part}_sent_emo.csv": table(_HEADER, _lines(part)) for part in _PARTS}
    return {"MELD.Raw.tar.gz": inner, **lines}


def expected_clips() -> dict[str, int]:
    """Clips named by the CSVs: one of train is corrupt, one of dev is missing."""
    return {"train": 168, "validation": 21, "test": 42}


def _utterances(part: str) -> list[_Utterance]:
    return [_Utterance(part, n, _EMOTIONS[n % len(_EMOTIONS)]) for n in range(_COUNTS[part])]


def _clips(part: str) -> Tree:
    folder = _PARTS[part]
    made: dict[str, Callable[[], bytes] | bytes] = {
        f"{folder}/{said.file}": partial(_mp4, said) for said in _utterances(part)
    }
    if part == "train":
        made[f"{folder}/dia20_utt3.mp4"] = b"\0\0\0\x18ftypmp42" + bytes(200)
    if part == "dev":
        del made[f"{folder}/dia3_utt2.mp4"]
        made[f"{folder}/dia66_utt9.mp4"] = partial(_mp4, _Utterance(part, 405, "joy"))
    return dict(made)


def _lines(part: str) -> list[list[str]]:
    clock = count(1)
    return [
        [
            str(next(clock)),
            f"Oh, it’s number {said.number}!",
            ("Monica", "Ross")[said.number % 2],
            said.emotion,
            said.sentiment,
            *map(str, said.ids),
            *("8", "21", "00:16:16,059", "0:16:18,059"),
        ]
        for said in _utterances(part)
    ]


def _mp4(said: _Utterance) -> bytes:
    voice = VOICES[said.emotion]
    if said.emotion == "surprise" and said.sentiment == "negative":
        voice = voice._replace(pitch=voice.pitch[::-1])
    return mp4(speech(sounds.seeded("meld", *said), voice, 2 * sounds.RATE), said.number)
