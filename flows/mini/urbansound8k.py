"""UrbanSound8K in small: six slices a class over ten folds, .wav files of every kind there is."""

import io
import struct
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

from flows.datasets.urbansound8k import DATASET, LABELS
from flows.mini import city, clotho_v2, fsd50k, sounds
from flows.mini.pack import Tree

_ROOT = "UrbanSound8K/"
_SLICES = 6  # a class
_LENGTHS = (1.3, 1.1, 1.0, 1.5)  # seconds; the publisher's slices last up to 4
_SHORT = 0.317551  # seconds; the first slice of the real table
_HEADER = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]
_SOUNDS: tuple[sounds.Sound, ...] = (  # in the order of classID
    *(city.air_conditioner, sounds.car_horn, city.children_playing, sounds.dog, city.drilling),
    *(sounds.engine, city.gun_shot, city.jackhammer, sounds.siren, city.street_music),
)
_KINDS = (  # container, coding, rate in Hz, channels
    *(("WAV", "PCM_16", 44_100, 2), ("WAV", "PCM_24", 96_000, 2), ("WAV", "PCM_U8", 22_050, 1)),
    *(("WAVEX", "PCM_24", 48_000, 1), ("WAV", "MS_ADPCM", 44_100, 1), ("WAV", "FLOAT", 48_000, 2)),
    *(("WAV", "IMA_ADPCM", 22_050, 1), ("WAV", "PCM_16", 192_000, 1), ("WAV", "PCM_16", 8_000, 1)),
)


class Slice(NamedTuple):
    """One line of the table: a class number, its how-manieth slice, a fold, a Freesound id."""

    label: int
    number: int
    fold: int
    sound: str

    @property
    def name(self) -> str:
        return f"{self.sound}-{self.label}-0-{self.number}.wav"

    @property
    def length(self) -> float:
        return _SHORT if (self.label, self.number) == (3, 0) else _LENGTHS[self.number % 4]

    def wav(self) -> bytes:
        kind = _KINDS[(self.label + 5 * self.number) % len(_KINDS)]
        return _encoded(city.recorded(_SOUNDS[self.label], self.name, self.length), *kind)


def tree() -> Tree:
    """The archive of Zenodo record 1203745, with what macOS leaves behind and four faults."""
    made = slices()
    lines = [_line(piece) for piece in made]
    broken, gone = made[0]._replace(number=97), made[1]._replace(number=98)
    lines += [_line(broken), _line(gone)]
    lines += [[*_line(made[2]._replace(number=99))[:7], "air_horn"]]
    members: Tree = {f"{_folder(piece)}{piece.name}": piece.wav for piece in made}
    members |= {
        f"{_folder(broken)}{broken.name}": b"RIFF\x24\x00\x00\x00WAVE",
        f"{_ROOT}audio/fold1/not-in-the-table.wav": made[3].wav,
        f"{_ROOT}audio/.DS_Store": b"\0\0\0\1Bud1",
        f"{_ROOT}FREESOUNDCREDITS.txt": b"UrbanSound8K, synthesised in small\n",
        f"{_ROOT}metadata/UrbanSound8K.csv": clotho_v2.table(_HEADER, lines),
    }
    return {"UrbanSound8K.tar.gz": members}


def expected_clips() -> dict[str, int]:
    """Slices that the table names; one is broken, one missing."""
    extra = [slices()[0].fold, slices()[1].fold]
    folds = [piece.fold for piece in slices()] + extra
    return {split: folds.count(fold) for fold, split in enumerate(DATASET.splits, start=1)}


def slices() -> list[Slice]:
    """Every class in six of the ten folds; slices of one recording stay in one fold."""
    return [
        Slice(label, number, 1 + (label + number) % 10, _sound(label, number))
        for label in range(len(LABELS))
        for number in range(_SLICES)
    ]


def _sound(label: int, number: int) -> str:
    """A Freesound id: some of the dogs are Clotho's and FSD50K's too, as some really are."""
    if label == LABELS.index("dog bark") and number in _SHARED:
        return _SHARED[number]()
    return str(600_000 + int(sounds.seeded("urbansound8k", label, number).integers(100_000)))


def _clotho(split: str, number: int) -> str:
    return clotho_v2.credit(clotho_v2.split_clips(split)[number], number)[2]


_SHARED: dict[int, Callable[[], str]] = {  # slice -> the id of a dog in another dataset
    1: partial(_clotho, "development", 0),
    2: partial(_clotho, "evaluation", 20),
    3: lambda: fsd50k.split_clips("train")[20].name,
}


def _folder(piece: Slice) -> str:
    return f"{_ROOT}audio/fold{piece.fold}/"


def _line(piece: Slice) -> list[str]:
    times = ["0.0", str(piece.length), str(1 + piece.number % 2)]
    label = LABELS[piece.label].replace(" ", "_")
    return [piece.name, piece.sound, *times, str(piece.fold), str(piece.label), label]


def _encoded(
    samples: sounds.Samples, container: str, coding: str, rate: int, channels: int
) -> bytes:
    at_rate = soxr.resample(samples, sounds.RATE, rate)
    sides = np.stack([at_rate * (1 - 0.3 * side) for side in range(channels)], axis=1)
    if coding == "FLOAT":
        return _float_wav(sides.astype("<f4"), rate)
    out = io.BytesIO()
    soundfile.write(out, sides, rate, coding, format=container)
    return out.getvalue()


def _float_wav(samples: np.ndarray, rate: int) -> bytes:
    """A WAV of 32-bit floats; libsndfile's would hold the time of writing."""
    data, channels = samples.tobytes(), samples.shape[1]
    form = struct.pack("<HHIIHH", 3, channels, rate, 4 * channels * rate, 4 * channels, 32)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data))
    return b"RIFF" + struct.pack("<I", len(body) + len(data)) + body + data
