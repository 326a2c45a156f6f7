"""TUT Acoustic Scenes 2017 in small: fifteen scenes as 24-bit binaural WAV in all nineteen zips."""

import io
import wave
from functools import partial

import numpy as np

from flows.mini import sounds
from flows.mini.pack import Tree
from flows.mini.scenes import TUT, scene
from flows.mini.sounds import RATE, Samples

_COUNTS = {"development": 1, "evaluation": 3}  # clips of a scene
_ZIPS = {"development": 10, "evaluation": 4}  # of audio
_LENGTH = 1.2  # seconds; the publisher's clips last 10


def tree() -> Tree:
    """The zips of both records; the last clip that development's meta.txt names is missing."""
    development = [
        (f"audio/{label[0]}{place:03d}_{number * 10}_{number * 10 + 10}.wav", label)
        for place, label in enumerate(TUT, start=20)
        for number in range(_COUNTS["development"])
    ]
    labels = [label for label in TUT for _ in range(_COUNTS["evaluation"])]
    sounds.seeded("tut2017").shuffle(labels)  # the names say nothing
    evaluation = [(f"audio/{number}.wav", label) for number, label in enumerate(labels, start=1)]
    gone = ("audio/t999_0_10.wav", "tram")
    test = "".join(f"{file}\n" for file, _ in evaluation)
    return (
        _packages("development", development)
        | _packages("evaluation", evaluation)
        | {
            _zip("development.meta"): _under(
                "development",
                {
                    "meta.txt": "".join(
                        f"{file}\t{label}\t{file[6:].partition('_')[0]}\n"
                        for file, label in [*development, gone]
                    ),
                    "evaluation_setup/fold1_train.txt": _lines(development),
                },
            ),
            _zip("development.error"): _under(
                "development", {"error.txt": f"{development[0][0]}\t0.5\t0.7\n"}
            ),
            _zip("evaluation.meta"): _under(
                "evaluation",
                {
                    "evaluation_setup/evaluate.txt": _lines(evaluation),
                    "evaluation_setup/test.txt": test,
                },
            ),
        }
    )


def expected_clips() -> dict[str, int]:
    """Clips that the tables name; one of development is missing."""
    return {"development": 15 * _COUNTS["development"] + 1, "evaluation": 15 * 3}


def _zip(part: str) -> str:
    return f"TUT-acoustic-scenes-2017-{part}.zip"


def _under(part: str, texts: dict[str, str]) -> Tree:
    return {f"TUT-acoustic-scenes-2017-{part}/{name}": t.encode() for name, t in texts.items()}


def _lines(clips: list[tuple[str, str]]) -> str:
    return "".join(f"{file}\t{label}\n" for file, label in clips)


def _packages(part: str, clips: list[tuple[str, str]]) -> Tree:
    """The README and the audio, dealt out to as many zips as the publisher has."""
    zips: Tree = {_zip(f"{part}.doc"): _under(part, {"README.md": "TUT, synthesised in small\n"})}
    for number in range(_ZIPS[part]):
        zips[_zip(f"{part}.audio.{number + 1}")] = {
            f"TUT-acoustic-scenes-2017-{part}/{file}": partial(_wav, part, file, label)
            for file, label in clips[number :: _ZIPS[part]]
        }
    return zips


def _wav(part: str, file: str, label: str) -> bytes:
    rng = sounds.seeded("tut2017", part, file, label)
    place = scene(TUT[label], rng, int(_LENGTH * RATE)) * 10 ** (rng.uniform(-9, -1) / 20)
    late = np.roll(place, int(rng.integers(5, 25)))  # the farther ear
    return stereo_24(np.stack([place, 0.8 * late], 1))


def stereo_24(samples: Samples) -> bytes:
    """A 24-bit WAV file at 44.1 kHz of (n, 2) samples in -1..1."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(RATE)
        whole = np.round(np.clip(samples, -1, 1) * 8_388_607).astype("<i4")
        file.writeframes(whole.reshape(-1, 1).view(np.uint8)[:, :3].tobytes())
    return out.getvalue()
