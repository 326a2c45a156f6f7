"""CREMA-D in small: ten actors in six emotions, each sound fetched by itself; the known faults."""

from functools import partial

import numpy as np

from flows.mini import sounds
from flows.mini.pack import Content, Tree
from flows.mini.voices import speech, voice

_RATE = 16_000  # Hz
_LENGTH = 1.6  # seconds; the publisher's clips last 1.3 to 5
_EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
_ACTORS = (1001, 1002, 1003, 1004, 1005, 1007, 1008, 1009)
_SENTENCES = ("DFA", "IWW", "TAI", "WSI")
_TWINS = ("1006_TIE_HAP_XX", "1006_TIE_NEU_XX")  # one file under two names
_SILENT, _POINTER, _GONE = "1076_MTI_SAD_XX", "1017_IWW_ANG_XX", "1040_ITH_SAD_XX"
_LFS = b"""version https://git-lfs.github.com/spec/v1
oid sha256:2759bb80ce3ac9a64f18aa386ed436fc38e8dbf0568ef3d8957a24ab66e9317c
size 82260
"""


def tree() -> Tree:
    """The two CSVs, quoted as R writes them; one line has a name that is no take."""
    names = [*_names(), "1091_TEST"]
    files = [f'{n},"{name}"' for n, name in enumerate(names, 1)]
    votes = [_vote(n, name) for n, name in enumerate(names, 1)]
    header = (
        '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel",'
        '"MultiModalVote","MultiModalLevel"'
    )
    return {
        "SentenceFilenames.csv": "\n".join(['"Stimulus_Number","Filename"', *files, ""]).encode(),
        "summaryTable.csv": "\n".join([header, *votes, ""]).encode(),
    }


def remotes() -> dict[str, Content]:
    """One sound is a git-lfs pointer, one is silent, one cannot be had."""
    made: dict[str, Content] = {f"AudioWAV/{name}.wav": partial(_wav, name) for name in _names()}
    twin = partial(_wav, _TWINS[0])
    made |= {f"AudioWAV/{name}.wav": twin for name in _TWINS}
    made[f"AudioWAV/{_SILENT}.wav"] = sounds.wav(np.zeros(_RATE), _RATE)
    made[f"AudioWAV/{_POINTER}.wav"] = _LFS
    del made[f"AudioWAV/{_GONE}.wav"]
    return made


def expected_clips() -> dict[str, int]:
    """Clips by fold of actors: six an actor, and the five with a fault."""
    return {"fold1": 9, "fold2": 13, "fold3": 12, "fold4": 12, "fold5": 7}


def _names() -> list[str]:
    takes = [
        f"{actor}_{_SENTENCES[(actor + k) % len(_SENTENCES)]}_{emotion}_XX"
        for actor in _ACTORS
        for k, emotion in enumerate(_EMOTIONS)
    ]
    return [*takes, *_TWINS, _POINTER, _GONE, _SILENT]


def _vote(number: int, name: str) -> str:
    """Listeners mostly hear what was meant; every tenth clip is a tie with neutral."""
    letter = name.split("_")[2][:1] if name.count("_") == 3 else "N"
    vote = f"{letter}:N" if number % 10 == 0 and letter != "N" else letter
    level = ":".join(["70"] * (vote.count(":") + 1))
    return f'"{number}","{name}","{vote}","{level}","{letter}","90","{letter}","80"'


def _wav(name: str) -> bytes:
    rng = sounds.seeded("crema_d", name)
    said = voice(_EMOTIONS[name.split("_")[2]])
    return sounds.wav(speech(rng, said, int(_LENGTH * _RATE), _RATE), _RATE)
