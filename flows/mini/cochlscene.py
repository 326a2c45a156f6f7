"""CochlScene in small: thirteen scenes, six clips each to train on, in the publisher's folders.

The zip is split into six parts, as the publisher's is.
"""

from functools import partial

from flows.mini import sounds
from flows.mini.pack import Split, Tree
from flows.mini.scenes import COCHLSCENE, scene

_COUNTS = {"Train": 6, "Val": 1, "Test": 1}  # clips of a scene
_LENGTH = 1.2  # seconds; the publisher's clips last 10


def tree() -> Tree:
    """One zip; a clip of Train is cut after its header, and one lies in another scene's folder."""
    members: Tree = {}
    for split, count in _COUNTS.items():
        for label in COCHLSCENE:
            for number in range(count):
                file = _file(split, label, number)
                members[f"CochlScene/{split}/{label}/{file}"] = partial(_wav, split, label, number)
    members["CochlScene/Train/Cafe/Cafe_user0001_14000000_001.wav"] = b"RIFF\x24\0\0\0WAVEfmt "
    stray = _file("Train", "Restaurant", 0)
    members[f"CochlScene/Train/Cafe/{stray}"] = partial(_wav, "Train", "Restaurant", 0)
    return {"CochlScene.zip": Split(members, parts=6)}


def expected_clips() -> dict[str, int]:
    """Clips by folder; one of Train is broken."""
    return {split: 13 * count + (split == "Train") for split, count in _COUNTS.items()}


def _file(split: str, label: str, number: int) -> str:
    user = {"Train": 100, "Val": 700, "Test": 800}[split] + number
    return f"{label}_user{user:04d}_{14_892_000 + number}_{number % 5 + 1:03d}.wav"


def _wav(split: str, label: str, number: int) -> bytes:
    rng = sounds.seeded("cochlscene", split, label, number)
    place = scene(COCHLSCENE[label], rng, int(_LENGTH * sounds.RATE))
    return sounds.wav(place * 10 ** (rng.uniform(-9, -1) / 20))
