"""SESA in small: forty-eight sounds of four classes, "casual" being any sound that is no threat."""

from functools import partial

import soxr

from flows.mini import city, sounds
from flows.mini.pack import Tree

_ROOT = "SESA/"
_COUNTS = {"train": 8, "test": 4}  # a class
_LENGTH = 1.5  # seconds; the publisher's sounds last up to 33
_RATE = 16_000  # Hz
_SOUNDS: dict[str, tuple[sounds.Sound, ...]] = {
    "casual": (sounds.footsteps, sounds.chirping_birds, sounds.rain, sounds.clock_tick),
    "gunshot": (city.gun_shot,),
    "explosion": (city.explosion,),
    "siren": (sounds.siren,),
}
_TEXT = "0 - casual\n1 - gunshot\n2 - explosion\n3 - siren\n"


def tree() -> Tree:
    """The archive of Zenodo record 3519845; a sound is empty, one of no class, one misnamed."""
    members: Tree = {f"{_ROOT}SESA.txt": _TEXT.encode()}
    for split, count in _COUNTS.items():
        for label, kinds in _SOUNDS.items():
            for number in range(count):
                name = f"{split}/{label}_{number:03d}.wav"
                rate = sounds.RATE if number == 3 else _RATE  # not all have been converted
                members[_ROOT + name] = partial(_wav, kinds[number % len(kinds)], name, rate)
    members[f"{_ROOT}test/siren_999.wav"] = b""
    members[f"{_ROOT}test/dog_000.wav"] = partial(_wav, sounds.dog, "test/dog_000.wav", _RATE)
    members[f"{_ROOT}test/siren.wav"] = partial(_wav, sounds.siren, "test/siren.wav", _RATE)
    members[f"{_ROOT}test/._siren_000.wav"] = b"\x00\x05\x16\x07"
    return {"SESA.zip": members}


def expected_clips() -> dict[str, int]:
    """Well-named sounds of the four classes; one of test's is no sound."""
    return {split: len(_SOUNDS) * count + (split == "test") for split, count in _COUNTS.items()}


def _wav(sound: sounds.Sound, name: str, rate: int) -> bytes:
    samples = city.recorded(sound, name, _LENGTH)
    return sounds.wav(soxr.resample(samples, sounds.RATE, rate), rate)
