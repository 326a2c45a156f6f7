"""GTZAN Genres in small: ten genres, five clips each at 22.05 kHz, and the fault-filtered list."""

from functools import partial

from flows.mini import sounds
from flows.mini.music import GENRES, halved, music
from flows.mini.pack import Tree
from flows.mini.sounds import RATE

_COUNT = 5  # clips of a genre
_LENGTH = 2.0  # seconds; the publisher's clips last 30


def tree() -> Tree:
    """The archive with an undecodable jazz.00054 and a macOS file; the list of what to score."""
    members: Tree = {
        f"genres/{genre}/{genre}.{number:05d}.wav": partial(_wav, genre, number)
        for genre in GENRES
        for number in range(_COUNT)
    }
    members["genres/jazz/jazz.00054.wav"] = bytes(4096)
    members["genres/blues/._blues.00000.wav"] = b"\0\x05\x16\x07" + bytes(207)
    listed = (f"{genre}/{genre}.{number:05d}.wav\n" for genre in GENRES for number in (1, 3, 77))
    return {"genres.tar.gz": members, "test_filtered.txt": "".join(listed).encode()}


def expected_clips() -> dict[str, int]:
    """Files by genre; one of jazz is broken."""
    return {"all": _COUNT * len(GENRES) + 1}


def _wav(genre: str, number: int) -> bytes:
    rng = sounds.seeded("gtzan_genres", genre, number)
    played = halved(music(genre, rng, int(_LENGTH * RATE)))
    return sounds.wav(played * 10 ** (rng.uniform(-6, -1) / 20), RATE // 2)
