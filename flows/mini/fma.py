"""FMA in small: ten genres as MP3, with the publisher's tables and their three header lines.

A voice sings in every third track: it has a language and one root genre. The others have neither,
and list "Instrumental" beside their own genre.
"""

import csv
import io
from functools import partial
from hashlib import sha1
from typing import NamedTuple

from flows.mini import sounds
from flows.mini.clotho_v2 import table
from flows.mini.encoded import encoded
from flows.mini.music import music, speech
from flows.mini.pack import Tree
from flows.mini.sounds import RATE, Samples

_COUNTS = {"training": 60, "validation": 5, "test": 5}
_LENGTH = 1.5  # seconds; the publisher's clips last 30
_COLUMNS = {
    "album": "comments date_created date_released engineer favorites id information listens "
    "producer tags title tracks type",
    "artist": "active_year_begin active_year_end associated_labels bio comments date_created "
    "favorites id latitude location longitude members name related_projects tags website "
    "wikipedia_page",
    "set": "split subset",
    "track": "bit_rate comments composer date_created date_recorded duration favorites genre_top "
    "genres genres_all information interest language_code license listens lyricist number "
    "publisher tags title",
}
_GENRES = {  # number -> (title, parent)
    **{2: ("International", 0), 3: ("Blues", 0), 4: ("Jazz", 0), 5: ("Classical", 0)},
    **{9: ("Country", 0), 10: ("Pop", 0), 11: ("Disco", 14), 12: ("Rock", 0)},
    **{14: ("Soul-RnB", 0), 21: ("Hip-Hop", 0), 31: ("Metal", 12), 79: ("Reggae - Dub", 2)},
    1235: ("Instrumental", 0),
}
_KINDS = {  # genre in `music` -> number of its genre, a tag
    "blues": (3, "slow"),
    "classical": (5, "strings"),
    "country": (9, "banjo"),
    "disco": (11, "four on the floor"),
    "hiphop": (21, "beats"),
    "jazz": (4, "walking bass"),
    "metal": (31, "distorted"),
    "pop": (10, "synthesizer"),
    "reggae": (79, "offbeat"),
    "rock": (12, "electric guitar"),
}
_INSTRUMENTAL = 1235
_LICENCES = (
    "Attribution-NonCommercial-ShareAlike 3.0 International",
    "Attribution-Noncommercial-Share Alike 3.0 United States",
    "Attribution 4.0 International",
    "CC0 1.0 Universal",
    "FMA-Limited: Download Only",
)
_EMPTY = b"ID3\x03\0\0\0\0\0\0"  # a tag of no length, and no sound


class _Track(NamedTuple):
    number: int
    split: str
    kind: str
    sung: bool

    @property
    def clip(self) -> str:
        return f"fma_large/{self.number // 1000:03d}/{self.number:06d}.mp3"

    @property
    def genres(self) -> list[int]:
        own = _KINDS[self.kind][0]
        return [own] if self.sung else [own, _INSTRUMENTAL]

    @property
    def cells(self) -> dict[str, object]:
        """The cells of tracks.csv that are not empty."""
        own = _KINDS[self.kind][0]
        parents = [_GENRES[number][1] for number in self.genres if _GENRES[number][1]]
        return {
            "artist.bio": 'They play "live",\nand always have.' * (self.number % 2),
            "artist.name": f"The {self.kind.title()} {self.number % 7 + 2}",
            "set.split": self.split,
            "set.subset": ("small", "medium", "large")[self.number % 3],
            "track.bit_rate": 128000,
            "track.duration": 168,
            "track.genre_top": _GENRES[parents[0] if parents else own][0] if self.sung else "",
            "track.genres": self.genres,
            "track.genres_all": sorted({*self.genres, *parents}),
            "track.language_code": "en" if self.sung else "",
            "track.license": _LICENCES[self.number % len(_LICENCES)],
            "track.tags": [_KINDS[self.kind][1]],
            "track.title": f"Song {self.number}",
        }


def tree() -> Tree:
    """The tables, and the zip of 30-second clips of all tracks."""
    made = _tracks()
    clips: Tree = {track.clip: partial(_mp3, track) for track in made}
    del clips[made[-1].clip]
    clips[made[0].clip] = _EMPTY
    clips[made[1].clip] = partial(_cut, made[1])
    digests = b"".join(
        b"%s  %s\n" % (sha1(name.encode()).hexdigest().encode(), name[10:].encode())
        for name in clips
    )
    return {
        "fma_metadata.zip": {
            "fma_metadata/README.txt": b"# FMA, synthesised in small\n",
            "fma_metadata/genres.csv": _genres(),
            "fma_metadata/raw_tracks.csv": b"track_id,album_id\n2,1\n",
            "fma_metadata/tracks.csv": _table(made),
        },
        "fma_large.zip": {"fma_large/README.txt": b"30 s clips\n", "fma_large/checksums": digests}
        | clips,
    }


def expected_clips() -> dict[str, int]:
    """Clips of tracks with a genre: of training one is empty; of test one is missing."""
    return _COUNTS | {"training": _COUNTS["training"] - 1}


def _tracks() -> list[_Track]:
    splits = [split for split, count in _COUNTS.items() for _ in range(count)]
    kinds = list(_KINDS)
    return [
        _Track(2 + 17 * place, split, kinds[place % 10], place // 10 % 3 == 0)
        for place, split in enumerate(splits)
    ]


def _table(made: list[_Track]) -> bytes:
    """tracks.csv; the third track has no genre, which is why it is no row."""
    names = [(group, name) for group, names in _COLUMNS.items() for name in names.split()]
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["", *(group for group, _ in names)])
    lines.writerow(["", *(name for _, name in names)])
    lines.writerow(["track_id", *("" for _ in names)])
    none = {"track.genre_top": "", "track.genres": [], "track.genres_all": []}
    for place, track in enumerate(made):
        cells = track.cells | (none if place == 2 else {})
        lines.writerow([track.number, *(cells.get(".".join(name), "") for name in names)])
    return out.getvalue().encode()


def _genres() -> bytes:
    header = ["genre_id", "#tracks", "parent", "title", "top_level"]
    return table(
        header,
        [
            [str(number), "7", str(parent), title, str(parent or number)]
            for number, (title, parent) in _GENRES.items()
        ],
    )


def _played(track: _Track) -> Samples:
    rng = sounds.seeded("fma", track.number)
    count = int(_LENGTH * RATE)
    played = music(track.kind, rng, count)
    if track.sung:
        played = sounds.normalised(played + 0.9 * speech(rng, count))
    return played * 10 ** (rng.uniform(-6, -1) / 20)


def _mp3(track: _Track) -> bytes:
    return encoded(_played(track), "mp3", channels=2 if track.number % 3 == 0 else 1)


def _cut(track: _Track) -> bytes:
    """Half a clip: the publisher's interface gave it a wrong duration."""
    whole = _mp3(track)
    return whole[: len(whole) // 2]
