"""MSP-Podcast in small: speaking turns at 16 kHz, some without a named emotion, faults in train."""

from functools import partial

from flows.mini import sounds
from flows.mini.clotho_v2 import table
from flows.mini.pack import Tree
from flows.mini.voices import speech, voice

_RATE = 16_000  # Hz
_LENGTH = 1.6  # seconds; the corpus' turns last 2.75 to 11
_WORDS = {
    "A": "angry",
    "S": "sad",
    "H": "happy",
    "U": "surprise",
    "F": "fear",
    "D": "disgust",
    "C": "contempt",
    "N": "neutral",
}
_COUNTS = {"Train": 64, "Development": 8, "Test1": 16, "Test2": 8}
_VALENCE = {"negative": "2.25", "neutral": "4.0", "positive": "5.777778"}
_HEADER = [
    *("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"),
]
_BROKEN, _GONE, _UNNAMED = (f"MSP-PODCAST_0999_{n:04}.wav" for n in (1, 2, 3))


def tree() -> Tree:
    """Sounds and labels as they are supplied, two archives."""
    turns = _turns()
    sound: Tree = {f"Audios/{name}": partial(_wav, name, letter) for name, letter, _ in turns}
    sound[f"Audios/{_BROKEN}"] = b"RIFF" + bytes(20)
    sound[f"Audios/{_UNNAMED}"] = partial(_wav, _UNNAMED, "N")
    lines = [_line(*turn) for turn in turns]
    lines += [_line(_BROKEN, "N", "Train"), _line(_GONE, "H", "Train")]
    lines += [_line(f"MSP-PODCAST_0998_{n:04}.wav", "XOZ"[n], "Train") for n in range(3)]
    lines += [_line("MSP-PODCAST_xxxx_xxxx.wav", "X", "Test3")]
    labels: Tree = {"Labels/labels_consensus.csv": table(_HEADER, lines), "readme.txt": b"mini"}
    return {"Audios.tar.gz": sound, "Labels.tar.gz": labels}


def expected_clips() -> dict[str, int]:
    """Turns with a named emotion: one of train is cut off, one is missing."""
    return {"train": 66, "development": 8, "test1": 16, "test2": 8}


def _turns() -> list[tuple[str, str, str]]:
    """(file name, letter, split) of the good turns; some names have a third number."""
    letters = list(_WORDS)
    return [
        (
            f"MSP-PODCAST_{episode:04}_{n:04}{'_0001' if n % 10 == 9 else ''}.wav",
            letters[n % len(letters)],
            split,
        )
        for episode, (split, count) in enumerate(_COUNTS.items(), start=1)
        for n in range(count)
    ]


def _line(name: str, letter: str, split: str) -> list[str]:
    feeling = voice(_WORDS.get(letter, "neutral")).sentiment
    return [name, letter, "3.5", _VALENCE[feeling], "4.2", "30", "Female", split]


def _wav(name: str, letter: str) -> bytes:
    rng = sounds.seeded("msp_podcast", name)
    said = voice(_WORDS[letter])
    return sounds.wav(speech(rng, said, int(_LENGTH * _RATE), _RATE), _RATE)
