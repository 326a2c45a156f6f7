"""WavCaps: four collections of sounds, captions by ChatGPT from raw descriptions (Mei et al.)."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas import Archive, Choice, Dataset, Malformed, Raw, Row

_REVISION = "85a0c21e26fa7696a5a74ce54fada99a9b43c6de"
_HUB = f"hf://datasets/cvssp/WavCaps@{_REVISION}/"
_FOLDER = "mnt/fast/nobackup/scratch4weeks/xm00178/WavCaps/data/waveforms/{}_flac/"  # in the zips


class _Subset(NamedTuple):
    """One collection: its list of sounds, the parts (.z01 and on) of its zip, what ids are."""

    file: str
    parts: int
    family: str
    licence: str | None = None
    bytes: int | None = None
    checksum: str | None = None


_SUBSETS = {
    "AudioSet_SL": _Subset("as_final.json", 6, "youtube"),
    "BBC_Sound_Effects": _Subset("bbc_final.json", 24, "bbc", "LicenseRef-RemArc"),
    "FreeSound": _Subset(
        *("fsd_final.json", 121, "freesound", None, 147300685),
        "sha256:4499ada1a7a76666695d880feb298f557efb3aa8af3b57fd9b713c75319ff53f",
    ),
    "SoundBible": _Subset("sb_final.json", 0, "soundbible", "LicenseRef-SoundBible", 469675),
}
_BLACKLISTS = {
    "exclude_all_ac": 1525390,
    "exclude_test_ac": 77724,
    "exclude_ub8k_esc50_vggsound": 473374,
}


def _lists() -> Iterator[Archive]:
    for name, subset in _SUBSETS.items():
        url = f"{_HUB}json_files/{name}/{subset.file}"
        size, checksum = subset.bytes, subset.checksum
        yield Archive(name=subset.file, url=url, bytes=size, checksum=checksum)
    for name, size in _BLACKLISTS.items():
        file = f"blacklist_{name}.json"
        yield Archive(name=file, url=f"{_HUB}json_files/blacklist/{file}", bytes=size)


def _zips() -> Iterator[Archive]:
    for name, subset in _SUBSETS.items():
        for part in (*(f"z{number:02d}" for number in range(1, subset.parts + 1)), "zip"):
            yield Archive(name=f"{name}.{part}", url=f"{_HUB}Zip_files/{name}/{name}.{part}")


DATASET = Dataset(
    name="wavcaps",
    title="WavCaps",
    homepage="https://huggingface.co/datasets/cvssp/WavCaps",
    licence="LicenseRef-WavCaps-Academic",
    citation="Mei et al.: WavCaps: a ChatGPT-assisted weakly-labelled audio captioning dataset for "
    "audio-language multimodal research, arXiv 2303.17395",
    archives=(*_lists(), *_zips()),
    splits=tuple(_SUBSETS),
    train=tuple(_SUBSETS),
    templates=("auxiliary",),
    expected_clips={
        "AudioSet_SL": 108317,
        "BBC_Sound_Effects": 31201,
        "FreeSound": 262300,
        "SoundBible": 1232,
    },
    hours=7563.3,
    bytes=941_000_000_000,
    choices=(
        Choice(
            name="blacklist",
            value="none",
            others=tuple(_BLACKLISTS),
            why="The paper names no filter, so the default takes every clip; the publisher's lists "
            "leave out what AudioCaps and Clotho (all, or validation and test) or UrbanSound8K, "
            "ESC-50 and VGGSound hold.",
        ),
    ),
    notes=(
        "The hub's card says CC-BY-4.0, the repository's README academic use only: we keep to the "
        "README. The sounds are under the terms of Freesound, the BBC, SoundBible and YouTube.",
        "The blacklists have 'Not found' among the Freesound ids: passed over.",
        "SoundBible.zip holds 1320 files for 1232 entries; what no entry names is left alone.",
        "All sounds are FLAC at 32 kHz; the longest lasts 18.6 hours.",
        "AudioSet_SL gives no start time.",
        "How many parts the zips of BBC (24) and FreeSound (121) have was inferred from the lines "
        "and the size of the repository's .gitattributes; hours and bytes are aac-datasets'.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per entry of the lists that are there; a split is a collection."""
    found = _clips(raw)
    left_out = _blacklist(raw)
    for split, subset in _SUBSETS.items():
        for path in sorted(raw.names(f"*{subset.file}"), key=len)[:1]:
            for number, entry in enumerate(_entries(raw, path)):
                row_id = f"{subset.file}:{number}"
                sound, caption = (str(entry.get(k) or "").strip() for k in ("id", "caption"))
                stem = sound.removesuffix(".wav")
                member = f"{_FOLDER.format(split)}{stem}.flac"
                clip = found.get((split, stem), member)
                if reason := _fault(split, sound, caption, left_out):
                    yield Malformed(row_id=row_id, clip=clip, reason=reason)
                    continue
                origin = stem[1:] if subset.family == "youtube" else stem.lower()  # "Y" + id
                yield Row(
                    row_id=row_id,
                    clip=clip,
                    split=split,
                    metadata=caption,
                    licence=subset.licence,
                    attribution=_attribution(entry),
                    origin_ids=(f"{subset.family}:{origin}",),
                )


def _fault(split: str, sound: str, caption: str, left_out: set[tuple[str, str]]) -> str | None:
    if not sound:
        return "no_id"
    if not caption:
        return "empty_caption"
    return "on_blacklist" if (split, sound) in left_out else None


def _attribution(entry: dict[str, Any]) -> str | None:
    """Author and address, as far as the collection gives them."""
    given = (entry.get("author"), entry.get("download_link"))
    return ", ".join(str(part) for part in given if part) or None


def _clips(raw: Raw) -> dict[tuple[str, str], str]:
    """(collection, stem) -> member, whatever folders are above the last one."""
    found: dict[tuple[str, str], str] = {}
    for name in raw.names("*.flac"):
        above, _, file = name.rpartition("/")
        collection = above.rpartition("/")[2].removesuffix("_flac")
        found[collection, file.removesuffix(".flac")] = name
    return found


def _entries(raw: Raw, path: str) -> list[dict[str, Any]]:
    whole = _json(raw, path)
    if not isinstance(whole.get("data"), list):
        raise ValueError(
            f"{path}: expected the list 'data', found {', '.join(whole) or 'nothing'}. The "
            "publisher changed the file: correct flows/datasets/wavcaps.py."
        )
    return whole["data"]


def _blacklist(raw: Raw) -> set[tuple[str, str]]:
    """(collection, id) of what the chosen list leaves out."""
    if (choice := raw.choice("blacklist")) == "none":
        return set()
    file = f"blacklist_{choice}.json"
    path = next(iter(raw.names(f"*{file}")), file)
    collections = {"AudioSet": "AudioSet_SL", "FreeSound": "FreeSound"}
    return {
        (collections.get(name, name), sound)
        for name, listed in _json(raw, path).items()
        for sound in listed
        if sound != "Not found"
    }


def _json(raw: Raw, path: str) -> dict[str, Any]:
    """A JSON object; of the entries only what is used is kept, since there are 262300 in one."""
    with raw.open(path) as file:
        whole = json.load(file, object_hook=_used)
    if not isinstance(whole, dict):
        raise ValueError(f"{path}: expected a JSON object, found a {type(whole).__name__}.")
    return whole


def _used(read: dict[str, Any]) -> dict[str, Any]:
    if "caption" not in read:
        return read
    return {key: read.get(key) for key in ("id", "caption", "author", "download_link")}


BENCHMARKS = ()
