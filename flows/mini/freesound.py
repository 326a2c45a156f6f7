"""Freesound in small: what its search gives, line by line, and previews of the sounds as MP3."""

import json
from functools import partial

from flows.mini import esc50, fsd50k, library, sounds
from flows.mini.encoded import encoded
from flows.mini.pack import Content, Tree
from flows.mini.vocabulary import Clip, captions, clips

_OWN = 34
_TAKES = 4  # of each kind that only the libraries hold
_LICENCES = (
    "http://creativecommons.org/publicdomain/zero/1.0/",
    "https://creativecommons.org/licenses/by/4.0/",
    "http://creativecommons.org/licenses/by-nc/3.0/",
    "http://creativecommons.org/licenses/sampling+/1.0/",
)
_GONE, _BROKEN = 800_001, 800_002


def tree() -> Tree:
    """The listing: some sounds are longer than chosen, refused for AI, or say nothing."""
    lines = [_sound(clip, number, k) for k, (number, clip) in enumerate(_sounds())]
    clip = _sounds()[0][1]
    lines += [
        _sound(clip, _GONE, 0),
        _sound(clip, _BROKEN, 0),
        _sound(clip, 800_003, 0) | {"duration": 94.5},
        _sound(clip, 800_004, 0) | {"gen_ai_preference": "no-gen-ai"},
        _sound(clip, 800_005, 0) | {"name": ".wav", "description": "http://example.org/"},
    ]
    listing = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return {"freesound_search.jsonl": (listing + '{"id": 800006, "name": "cut o\n').encode()}


def expected_clips() -> dict[str, int]:
    """Sounds that the default choices keep: one is gone, one is broken."""
    return {"train": len(_sounds()) + 2}


def remotes() -> dict[str, Content]:
    """Previews."""
    made: dict[str, Content] = {
        f"clips/{number}.mp3": partial(_preview, clip) for number, clip in _sounds()
    }
    return made | {f"clips/{_BROKEN}.mp3": b'{"detail": "Not found."}'}


def _sounds() -> list[tuple[int, Clip]]:
    """(Freesound id, clip): some of FSD50K's and ESC-50's, then its own, then the library's."""
    shared = fsd50k.split_clips("train")[10:16] + fsd50k.split_clips("eval")[4:7]
    kept = [(int(clip.name), clip) for clip in shared]
    kept += [(int(clip.name.split("-")[1]), clip) for clip in esc50.split_clips()[8:11]]
    names = [str(600_001 + 17 * number) for number in range(_OWN)]
    own = clips("freesound", "train", names, 0.4, 1.0, 1.5)
    return kept + [(int(clip.name), clip) for clip in own + _of_the_library()]


def _of_the_library() -> list[Clip]:
    made: list[Clip] = []
    for number, kind in enumerate(library.KINDS * _TAKES):
        length = round(float(sounds.seeded("freesound library", number).uniform(1.0, 1.5)), 1)
        made.append(Clip("freesound", str(610_001 + 13 * number), "train", (kind,), length))
    return made


def _preview(clip: Clip) -> bytes:
    return encoded(clip.samples(), "mp3")


def _sound(clip: Clip, number: int, order: int) -> dict[str, object]:
    """As the API gives it; every sixth has no description, others have mark-up and lines."""
    nouns = [kind.noun for kind in clip.kinds]
    said = captions(clip, 2)[order % 2].capitalize()
    description = "" if order % 6 == 5 else f"{said}. Recorded with a phone.\r\nEnjoy &amp; credit!"
    if order % 6 == 2:
        description = f'<a href="https://example.org" rel="nofollow">{said}</a>\r\nby me'
    return {
        "id": number,
        "name": f"{'_'.join(nouns)} {order}.wav",
        "tags": [*nouns, "field-recording"],
        "description": description,
        "license": _LICENCES[order % len(_LICENCES)],
        "username": "mini",
        "duration": clip.length,
        "md5": f"{number:032x}",
        "gen_ai_preference": (None, "no-additional-preferences", "open-source-models")[order % 3],
        "previews": {"preview-hq-mp3": f"https://cdn.freesound.org/previews/{number}-hq.mp3"},
    }
