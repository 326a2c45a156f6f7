"""FindSounds in small: a listing of old sounds on many sites, some dead, one a web page."""

from functools import partial
from hashlib import sha256

from flows.mini.clotho_v2 import table
from flows.mini.encoded import encoded
from flows.mini.pack import Content, Tree
from flows.mini.vocabulary import Clip, captions, clips

_COUNT = 40
_KINDS = ("wav8", "au", "aiff", "mp3")
_RATES = {"wav8": 22_050, "au": 16_000, "aiff": 22_050, "mp3": 44_100}  # Hz
_HEADER = [
    *("query", "result_rank", "source_page", "audio_url", "description", "file_format"),
    *("sample_rate", "channels", "resolution_bits", "duration_s", "file_size"),
]
_GONE = "https://gone.example/dog.wav"
_PAGE = "https://moved.example/rain.au"


def tree() -> Tree:
    """A listing that a person made."""
    made = _clips()
    lines = [_line(clip.kinds[0].noun, _address(clip), captions(clip, 3)[2]) for clip in made]
    lines += [
        _line("animal", _address(made[0]), captions(made[0], 1)[0]),  # the same sound once more
        _line("dog", _GONE, "dog barking"),
        _line("rain", _PAGE, "rain falling"),
        _line("cat", "http://plain.example/cat.wav", "cat meowing"),  # not fetched
        _line("cat", "", "cat meowing"),
        _line("wind", "https://site.example/wind.wav", ""),
    ]
    return {"findsounds.csv": table(_HEADER, lines)}


def expected_clips() -> dict[str, int]:
    """Sounds with an address and a text: two cannot be had, one is a web page."""
    return {"train": _COUNT + 3}


def remotes() -> dict[str, Content]:
    """What the sites answer."""
    made: dict[str, Content] = {_member(_address(clip)): partial(_file, clip) for clip in _clips()}
    return made | {_member(_PAGE): b"<html><body>We have moved!</body></html>"}


def _clips() -> list[Clip]:
    """Named by format and number."""
    names = [f"{_KINDS[number % len(_KINDS)]}/{number}" for number in range(_COUNT)]
    return clips("findsounds", "train", names, 0.2, 1.0, 1.5)


def _address(clip: Clip) -> str:
    kind, _, number = clip.name.partition("/")
    return f"https://site{int(number) % 7}.example/~fan/{number}.{kind.removesuffix('8')}"


def _file(clip: Clip) -> bytes:
    kind = clip.name.partition("/")[0]
    return encoded(clip.samples(), kind, _RATES[kind])


def _member(address: str) -> str:
    digits = sha256(address.encode()).hexdigest()[:16]
    return f"clips/{digits}.{address.rpartition('.')[2]}"


def _line(query: str, address: str, description: str) -> list[str]:
    page = address.rpartition("/")[0] + "/sounds.html" if address else ""
    return [query, "1", page, address, description, "WAVE", "22050", "1", "8", "1.0", "22094"]
