"""MELD in small: MP4 files in nested tars, a voice whose pitch and pace follow the emotion."""

import io
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import NamedTuple

import av
import numpy as np

from flows.mini import sounds
from flows.mini.clotho_v2 import table
from flows.mini.pack import Tree
from flows.mini.sounds import Samples

_RATE = 44_100  # Hz
_FRAMES = 5  # pictures a second, 32 x 32, all of one colour
_PARTS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
_COUNTS = {"train": 168, "dev": 21, "test": 42}
_HEADER = [
    *("Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"),
    *("Season", "Episode", "StartTime", "EndTime"),
]


class _Voice(NamedTuple):
    """How an emotion speaks: pitch of a syllable (Hz, start to end), pace, roughness, tremble."""

    sentiment: str
    pitch: tuple[float, ...]
    syllables: float  # a second
    rough: float = 0.0  # share of amplitude taken by a fast beat
    tremble: float = 0.0  # share of pitch, 8 times a second


_VOICES = {
    "neutral": _Voice("neutral", (150, 150), 3.5),
    "joy": _Voice("positive", (260, 380, 300), 5.5),
    "sadness": _Voice("negative", (170, 110), 1.6),
    "anger": _Voice("negative", (240, 250, 210), 4.5, rough=0.9),
    "surprise": _Voice("positive", (220, 520), 2.2),
    "fear": _Voice("negative", (330, 350), 3.0, tremble=0.12),
    "disgust": _Voice("negative", (120, 75), 2.4, rough=0.6),
}
_FORMANTS = ((700, 1100), (400, 2000), (450, 900))  # Hz: a, e, o


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
        return "negative" if surprised else _VOICES[self.emotion].sentiment


def tree() -> Tree:
    """MELD.Raw.tar.gz and the three CSVs beside it."""
    inner: Tree = {f"{part}.tar.gz": _clips(part) for part in _PARTS}
    lines = {f"{part}_sent_emo.csv": table(_HEADER, _lines(part)) for part in _PARTS}
    return {"MELD.Raw.tar.gz": inner, **lines}


def expected_clips() -> dict[str, int]:
    """Clips named by the CSVs: one of train is corrupt, one of dev is missing."""
    return {"train": 168, "validation": 21, "test": 42}


def _utterances(part: str) -> list[_Utterance]:
    emotions = list(_VOICES)
    return [_Utterance(part, n, emotions[n % len(emotions)]) for n in range(_COUNTS[part])]


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


def _speech(said: _Utterance) -> Samples:
    """Two seconds of syllables, each a pitch glide through one vowel."""
    rng = sounds.seeded("meld", *said)
    voice = _VOICES[said.emotion]
    total = 2 * _RATE
    out = 0.002 * rng.standard_normal(total)
    length = int(_RATE / voice.syllables)
    falling = said.emotion == "surprise" and said.sentiment == "negative"
    points = voice.pitch[::-1] if falling else voice.pitch
    speaker = rng.uniform(0.93, 1.07)
    for start in range(int(rng.uniform(0.02, 0.15) * _RATE), total - length, length):
        syllable = _syllable(rng, voice, points, int(0.85 * length), speaker)
        out[start : start + len(syllable)] += syllable
    return sounds.normalised(out) * 10 ** (rng.uniform(-6, -1) / 20)


def _syllable(
    rng: np.random.Generator,
    voice: _Voice,
    points: tuple[float, ...],
    length: int,
    speaker: float,
) -> Samples:
    time = sounds.seconds(length)
    pitch = sounds.glide(length, *points) * speaker
    pitch = pitch * (1 + voice.tremble * np.sin(2 * np.pi * 8 * time))
    low, high = _FORMANTS[int(rng.integers(len(_FORMANTS)))]
    middle = float(pitch.mean())
    weights = tuple(
        1 / k
        + np.exp(-(((k * middle - low) / 200) ** 2))
        + np.exp(-(((k * middle - high) / 250) ** 2))
        for k in range(1, 16)
    )
    beat = 1 - voice.rough * (np.sin(2 * np.pi * 55 * time) > 0)
    return sounds.harmonics(pitch, weights) * beat * sounds.arch(length) ** 0.4


def _mp4(said: _Utterance) -> bytes:
    """A tiny MPEG-4 picture track and a stereo AAC track, bit-exact (no times, no versions)."""
    mono = np.round(_speech(said) * 32767).astype(np.int16)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"fflags": "+bitexact"}) as file:
        picture = file.add_stream("mpeg4", rate=_FRAMES, width=32, height=32, pix_fmt="yuv420p")
        sound = file.add_stream("aac", rate=_RATE, layout="stereo", options={"aac_coder": "fast"})
        for stream in (picture, sound):
            stream.codec_context.thread_count = 1
        colour = np.full((32, 32, 3), 17 * (said.number % 15), np.uint8)
        for _ in range(2 * _FRAMES):
            file.mux(picture.encode(av.VideoFrame.from_ndarray(colour, format="rgb24")))
        frame = av.AudioFrame.from_ndarray(
            np.stack([mono, mono], 1).reshape(1, -1), "s16", "stereo"
        )
        frame.sample_rate = _RATE
        file.mux(sound.encode(frame))
        for stream in (picture, sound):
            file.mux(stream.encode(None))
    return out.getvalue()
