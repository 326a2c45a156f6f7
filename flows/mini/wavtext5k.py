"""WavText5K in small: a list of links to two web sites, one of them dead, one to a web page."""

from functools import partial

from flows.mini.clotho_v2 import table
from flows.mini.encoded import encoded
from flows.mini.pack import Content, Tree
from flows.mini.vocabulary import Clip, captions, clips

_COUNT = 24  # sounds of each site
_HEADER = ["view_link", "download_link", "title", "description", "fname", "tags"]
_PAGE = b"<!DOCTYPE html><html><title>404</title><p>This sound has moved.</p></html>"


def soundbible() -> list[tuple[str, Clip]]:
    """(SoundBible id, clip) of its sounds; WavCaps has some of them too."""
    numbers = [str(2219 - 7 * number) for number in range(_COUNT)]
    names = [f"a sound of number {number}_{k}.wav" for k, number in enumerate(numbers)]
    made = clips("wavtext5k", "soundbible", names, 0.4, 1.0, 1.5)
    return list(zip(numbers, made, strict=True))


def tree() -> Tree:
    """WavText5K.csv with lines that end in CRLF, as published."""
    lines = [_of_bank(clip, number) for number, clip in enumerate(_bank())]
    lines += [_of_bible(sound, clip, number) for number, (sound, clip) in enumerate(soundbible())]
    lines += [
        _line("", "", "0812"),  # nothing to say
        _line("Roomba", "A vacuum cleaner hums.", "2500"),  # gone
        _line("Page", "A web page, saved as a sound.", "2501"),
    ]
    return {"WavText5K.csv": table(_HEADER, lines)}


def expected_clips() -> dict[str, int]:
    """Sounds with a text: one is gone, one is a web page."""
    return {"train": 2 * _COUNT + 2}


def remotes() -> dict[str, Content]:
    """What the two sites answer: MP3 from BigSoundBank, WAV from SoundBible."""
    bank: dict[str, Content] = {
        f"clips/{clip.name.removesuffix('.wav')}.mp3": partial(_mp3, clip) for clip in _bank()
    }
    bible: dict[str, Content] = {f"clips/{clip.name}": clip.wav for _, clip in soundbible()}
    return bank | bible | {"clips/2501.mp3": _PAGE}


def _bank() -> list[Clip]:
    names = [f"{100 + 3 * number:04d}.wav" for number in range(_COUNT)]
    return clips("wavtext5k", "bigsoundbank", names, 0.4, 1.0, 1.5)


def _mp3(clip: Clip) -> bytes:
    return encoded(clip.samples(), "mp3")


def _of_bank(clip: Clip, number: int) -> list[str]:
    """Every eighth sound has a title alone."""
    said = captions(clip, 2)[number % 2].capitalize() + "."
    title = " and ".join(kind.noun for kind in clip.kinds).capitalize()
    return _line(title, "" if number % 8 == 7 else said, clip.name.removesuffix(".wav"))


def _line(title: str, description: str, number: str) -> list[str]:
    site, slug = "https://bigsoundbank.com", title.lower().replace(" ", "-")
    view, sound = f"{site}/detail-{number}-{slug}.html", f"{site}/UPLOAD/wav/{number}.wav"
    return [view, sound, title, description, f"{number}.wav", ""]


def _of_bible(sound: str, clip: Clip, number: int) -> list[str]:
    """Descriptions begin with a space; tags are a Python list; mark-up is left in one."""
    said = " " + captions(clip, 3)[number % 3].capitalize()
    said += " <br> http://soundbible.com/free" if number == 5 else ""
    title = " ".join(kind.noun for kind in clip.kinds).title()
    site = "https://soundbible.com"
    view = f"{site}/{sound}-{title.replace(' ', '-')}.html"
    tags = str([kind.noun for kind in clip.kinds] + ["sound"])
    return [view, f"{site}/grab.php?id={sound}&type=wav", title, said, clip.name, tags]
