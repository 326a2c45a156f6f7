"""WavCaps in small: four zips of FLAC at 32 kHz, with sounds that other datasets have as well."""

import json
from functools import partial
from typing import NamedTuple

from flows.mini import audiocaps, clotho_v2, esc50, fsd50k, sounddescs, sounds, wavtext5k, youtube
from flows.mini.encoded import encoded
from flows.mini.pack import Split, Tree
from flows.mini.vocabulary import Clip, captions, clips

_ROOT = "mnt/fast/nobackup/scratch4weeks/xm00178/WavCaps/data/waveforms/"
_RATE = 32_000  # Hz
_OWN = {"AudioSet_SL": 7, "BBC_Sound_Effects": 4, "FreeSound": 8, "SoundBible": 4}


class _Sound(NamedTuple):
    number: str  # the id as the list spells it
    clip: Clip

    @property
    def stem(self) -> str:
        return self.number.removesuffix(".wav")


def tree() -> Tree:
    """The lists, the blacklists and the zips, all in parts but SoundBible's."""
    made = {name: _sounds(name) for name in _OWN}
    zips = {f"{name}.zip": _flacs(name, held) for name, held in made.items()}
    first = made["FreeSound"][0]
    zips["SoundBible.zip"][f"{_ROOT}SoundBible_flac/1.flac"] = partial(_flac, first.clip)
    zips["FreeSound.zip"][f"{_ROOT}FreeSound_flac/990001.flac"] = _flac(first.clip)[:60]
    entries = {name: [_entry(name, sound) for sound in held] for name, held in made.items()}
    entries["FreeSound"] += [
        _entry("FreeSound", _Sound("990001", first.clip)),  # cut off
        _entry("FreeSound", _Sound("990002", first.clip)),  # not in the zip
        _entry("FreeSound", first._replace(number="990003")) | {"caption": " "},
    ]
    files = ("as_final.json", "bbc_final.json", "fsd_final.json", "sb_final.json")
    return {
        **{
            file: json.dumps({"num_captions_per_audio": 1, "data": entries[name]}).encode()
            for file, name in zip(files, _OWN, strict=True)
        },
        **_blacklists(),
        **{n: zips[n] if n == "SoundBible.zip" else Split(zips[n]) for n in zips},
    }


def expected_clips() -> dict[str, int]:
    """Entries with a caption: one of FreeSound's is broken, one is missing."""
    counts = {name: len(_sounds(name)) for name in _OWN}
    return counts | {"FreeSound": counts["FreeSound"] + 2}


def _sounds(name: str) -> list[_Sound]:
    """What another dataset has too, then sounds of its own."""
    match name:
        case "BBC_Sound_Effects":
            train = sounddescs.split_clips("train")[:10]
            shared = [_Sound(clip.name.upper(), clip) for clip in train]
        case "SoundBible":
            shared = [_Sound(*pair) for pair in wavtext5k.soundbible()[:10]]
        case "FreeSound":
            shared = [*_of_fsd50k(), *_of_esc50(), *_of_clotho()]
        case _:
            shared = [*_of_audiocaps("train"), *_of_audiocaps("test")]
    return shared + _own(name)


def _of_audiocaps(split: str) -> list[_Sound]:
    made = audiocaps.split_clips(split)[:4]
    return [_Sound(f"Y{youtube.of(clip).video}.wav", clip) for clip in made]


def _of_fsd50k() -> list[_Sound]:
    made = fsd50k.split_clips("train")[:6] + fsd50k.split_clips("eval")[:3]
    return [_Sound(clip.name, clip) for clip in made]


def _of_esc50() -> list[_Sound]:
    return [_Sound(clip.name.split("-")[1], clip) for clip in esc50.split_clips()[5:8]]


def _of_clotho() -> list[_Sound]:
    made = clotho_v2.split_clips("evaluation")[:2]
    return [_Sound(clotho_v2.credit(clip, n)[2], clip) for n, clip in enumerate(made)]


def _own(name: str) -> list[_Sound]:
    rng = sounds.seeded("wavcaps", name)
    numbers = [str(number) for number in 700_000 + rng.choice(99_999, _OWN[name], replace=False)]
    if name == "AudioSet_SL":
        numbers = [f"Y{youtube.segment(name, n).video}.wav" for n in range(_OWN[name])]
    made = clips("wavcaps", name, numbers, 0.4, 1.0, 1.5)
    return [_Sound(number, clip) for number, clip in zip(numbers, made, strict=True)]


def _flacs(name: str, held: list[_Sound]) -> Tree:
    return {f"{_ROOT}{name}_flac/{s.stem}.flac": partial(_flac, s.clip) for s in held}


def _flac(clip: Clip) -> bytes:
    return encoded(clip.samples(), "flac", _RATE)


def _entry(name: str, sound: _Sound) -> dict[str, object]:
    """An entry with the keys that the collection's list has."""
    said = captions(sound.clip, 2)[1].capitalize() + "."
    entry: dict[str, object] = {
        "id": sound.number,
        "caption": said,
        "audio": "wav_path",
        "duration": sound.clip.length,
    }
    if name == "AudioSet_SL":
        return entry
    entry |= {"description": f"{said} Recorded for fun.", "download_link": _address(name, sound)}
    if name == "BBC_Sound_Effects":
        return entry | {"category": ["Nature"]}
    title = " ".join(kind.noun for kind in sound.clip.kinds).title()
    entry |= {"author": "mini", "href": f"{sound.stem}-{title.replace(' ', '-')}.html"}
    if name == "FreeSound":
        return entry | {"file_name": f"{title}.wav", "tags": [k.noun for k in sound.clip.kinds]}
    return entry | {"title": title}


def _address(name: str, sound: _Sound) -> str:
    return {
        "BBC_Sound_Effects": "https://sound-effects-media.bbcrewind.co.uk/zip/{}.wav.zip",
        "FreeSound": "https://freesound.org/people/mini/sounds/{}/download/",
        "SoundBible": "http://soundbible.com/grab.php?id={}&type=wav",
    }[name].format(sound.stem)


def _blacklists() -> Tree:
    """What AudioCaps and Clotho hold, their tests alone, and what ESC-50 and VGGSound hold."""
    clotho, esc50_too = _numbers(_of_clotho()), _numbers(_of_esc50())
    tests = _numbers(_of_audiocaps("test"))
    every = _numbers(_of_audiocaps("train")) + tests
    vggsound = _numbers(_own("AudioSet_SL"))[:1]
    lists = {
        "exclude_all_ac": {"AudioSet": every, "FreeSound": [*clotho, "Not found"]},
        "exclude_test_ac": {"AudioSet": tests, "FreeSound": [*clotho, "Not found"]},
        "exclude_ub8k_esc50_vggsound": {"AudioSet": vggsound, "FreeSound": esc50_too},
    }
    return {f"blacklist_{name}.json": json.dumps(held).encode() for name, held in lists.items()}


def _numbers(held: list[_Sound]) -> list[str]:
    return [sound.number for sound in held]
