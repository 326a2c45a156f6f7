"""SoundDescs: the BBC's sound effects with the archive's own descriptions (Koepke et al. 2022)."""

import pickle
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any

from schemas import Access, Archive, Dataset, Malformed, Raw, Remote, Row
from schemas.prose import plain

_REPOSITORY = (
    "https://raw.githubusercontent.com/akoepke/audio-retrieval-benchmark/"
    "55dce738ebe3e3e9fe700d3f439ce41c4d27faec/"
)
_LINKS = "sounddescs_data/download_links.txt"
_MEDIA = "https://sound-effects-media.bbcrewind.co.uk/"

DATASET = Dataset(
    name="sounddescs",
    title="SoundDescs",
    homepage="https://github.com/akoepke/audio-retrieval-benchmark",
    licence="LicenseRef-RemArc",
    citation="Koepke, Oncescu, Henriques, Akata, Albanie: Audio retrieval with natural language "
    "queries: a benchmark study, IEEE Transactions on Multimedia 2022",
    archives=(
        Archive(name="download_links.txt", url=_REPOSITORY + _LINKS, bytes=2199833),
        Archive(name="descriptions.pkl", url=f"{_REPOSITORY}sounddescs_data/descriptions.pkl"),
        *(
            Archive(
                name=f"{split}_list.txt",
                url=f"{_REPOSITORY}data/SoundDescs/{split}_list.txt",
            )
            for split in ("train", "val", "test")
        ),
    ),
    access=Access(
        how="Sounds come from the BBC one by one, at most two at a time (the authors' advice), for "
        "research, education and personal use only: "
        "https://sound-effects.bbcrewind.co.uk/licensing. A copy of your own has files called by "
        "the BBC's ids (07033129.wav, NHU05030045.wav) in any folders."
    ),
    splits=("train", "val", "test"),
    train=("train",),
    templates=("auxiliary",),
    expected_clips={"train": 23085, "val": 4947, "test": 4947},
    hours=1060.4,
    notes=(
        "descriptions.pkl is a pickle: it is read without running anything it names.",
        "Ids are in lower case in the lists, in upper case in the links; 83 are in no split.",
        "The published links lead to a zip with one WAV a sound, which few could be fetched from "
        "after a change of the site; the same sounds were reported at mp3/ID.mp3 in February 2025.",
        "Some recordings stand in two of its splits (Weck and Serra 2023).",
        "The longest sound lasts 4475 s and is left out: no more than an hour is decoded.",
        "WavCaps has most of the same sounds, with text written by ChatGPT.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per id of the three lists; the description is the text."""
    found = {PurePosixPath(name).stem.lower(): name for name in raw.names()}
    known = _descriptions(raw)
    for split, sound in _ids(raw):
        row_id = f"{split}_list.txt:{sound}"
        clip = found.get(sound, f"clips/{sound}.mp3")
        if text := plain(known.get(sound, "")):
            yield Row(
                row_id=row_id,
                clip=clip,
                split=split,
                metadata=text,
                attribution=f"BBC, sound effect {sound.upper()}",
                origin_ids=(f"bbc:{sound}",),
            )
        else:
            reason = "empty_description" if sound in known else "no_description"
            yield Malformed(row_id=row_id, clip=clip, reason=reason)


def remotes(raw: Raw) -> Iterator[Remote]:
    """The sounds of the lists, where download_links.txt has a link for them."""
    numbers: dict[str, str] = {}
    for path in raw.names("*download_links.txt"):
        for link in _lines(raw, path):
            number = link.rpartition("/")[2].removesuffix(".wav.zip")
            numbers[number.lower()] = number
    for _, sound in _ids(raw):
        if number := numbers.get(sound):
            yield Remote(name=f"clips/{sound}.mp3", url=f"{_MEDIA}mp3/{number}.mp3")


def _ids(raw: Raw) -> Iterator[tuple[str, str]]:
    for split in DATASET.splits:
        for path in raw.names(f"*{split}_list.txt"):
            for line in _lines(raw, path):
                yield split, line.lower()


def _lines(raw: Raw, path: str) -> Iterator[str]:
    with raw.open(path) as file:
        yield from filter(None, (line.strip().decode("ascii") for line in file))


class _PlainPickle(pickle.Unpickler):
    """A reader of dictionaries, lists and text: a pickle may name nothing else."""

    _NAMED = {
        ("collections", "defaultdict"): defaultdict,
        ("builtins", "list"): list,
    }

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("__builtin__", "builtins")  # protocol 2 spells it so
        if (module, name) not in self._NAMED:
            raise ValueError(
                f"descriptions.pkl asks for {module}.{name}. Expected a pickle of dictionaries, "
                "lists and text alone; one that names more may run code. Do not load it: fetch "
                "the file again from the publisher's repository."
            )
        return self._NAMED[module, name]


def _descriptions(raw: Raw) -> dict[str, str]:
    known: dict[str, str] = {}
    for path in raw.names("*descriptions.pkl") or ["descriptions.pkl"]:
        with raw.open(path) as file:
            for sound, said in _unpickled(path, file).items():
                known[str(sound).lower()] = said if isinstance(said, str) else " ".join(said)
    return known


def _unpickled(path: str, file: IO[bytes]) -> dict[Any, Any]:
    try:
        found = _PlainPickle(file).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError) as fault:
        raise ValueError(f"{path}: no whole pickle ({fault}). Fetch it again.") from fault
    if not isinstance(found, dict):
        raise ValueError(f"{path}: expected a dictionary id -> description, found {type(found)}.")
    return found


BENCHMARKS = ()
