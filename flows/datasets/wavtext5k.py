"""WavText5K: sounds of two web sites, BigSoundBank and SoundBible (Deshmukh et al. 2023)."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from schemas import Access, Archive, Choice, Dataset, Malformed, Raw, Remote, Row
from schemas.prose import plain

DATASET = Dataset(
    name="wavtext5k",
    title="WavText5K",
    homepage="https://github.com/microsoft/WavText5K",
    licence="MIT",
    citation="Deshmukh, Elizalde, Wang: Audio retrieval with WavText5K and CLAP training, "
    "Interspeech 2023",
    archives=(
        Archive(
            name="WavText5K.csv",
            url="https://raw.githubusercontent.com/microsoft/WavText5K/"
            "7f1243befcba524009655747f5088b1573b7db95/WavText5K.csv",
            checksum="md5:47a0e93f50001ce004ee8afb39fc6266",
            bytes=1491242,
        ),
    ),
    access=Access(
        how="Each sound is fetched from its own address on bigsoundbank.com or soundbible.com. A "
        "copy of your own has the files under the names of column fname, in any folders, with any "
        "extension."
    ),
    splits=("train",),
    train=("train",),
    templates=("auxiliary",),
    expected_clips={"train": 4525},
    hours=25.48,
    bytes=5_100_000_000,
    choices=(
        Choice(
            name="text",
            value="description_or_title",
            others=("description", "title", "description_and_tags"),
            why="The paper does not say which column it used. 177 sounds have no description, and "
            "a title says what is heard as well; tags exist for SoundBible only.",
        ),
        Choice(
            name="bigsoundbank",
            value="mp3",
            others=("wav",),
            why="The published .wav addresses of BigSoundBank are dead (pull request 2 of the "
            "repository); the site serves the same sounds as UPLOAD/mp3/NUMBER.mp3.",
        ),
    ),
    notes=(
        "MIT is the licence of the list; the sounds are under the terms of the two sites.",
        "5 sounds have neither title nor description: rejected.",
        "The tags of three sounds have mark-up, and one word twice: each word is taken once.",
        "A few descriptions are partly French and stay as they are.",
        "A dead link may answer with a web page: such a file is rejected when it is decoded.",
        "1225 of the 2058 SoundBible sounds are in WavCaps too, with other text.",
        "hours and bytes are those counted by LAION's audio-dataset project.",
    ),
)

_COLUMNS = ("view_link", "download_link", "title", "description", "fname", "tags")
_ADDRESS = re.compile(r"https://(?:bigsoundbank\.com|soundbible\.com)/\S+")
_SOUND_BIBLE = re.compile(r"^https://soundbible\.com/grab\.php\?id=(\d+)&type=wav$")
_BIG_SOUND_BANK = re.compile(r"^https://bigsoundbank\.com/UPLOAD/wav/(\d+)\.wav$")


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per sound: its text by the choice `text`, mark-up and links taken out."""
    found = {PurePosixPath(name).stem: name for name in raw.names()}
    for number, line in _lines(raw):
        row_id, remote = f"WavText5K.csv:{number}", _remote(raw, line)
        clip = found.get(PurePosixPath(remote.name).stem, remote.name)
        if reason := _fault(line):
            yield Malformed(row_id=row_id, clip=clip, reason=reason)
        elif not (text := _text(line, raw.choice("text"))):
            yield Malformed(row_id=row_id, clip=clip, reason="no_text")
        else:
            bible = _SOUND_BIBLE.match(line["download_link"])
            yield Row(
                row_id=row_id,
                clip=clip,
                split="train",
                metadata=text,
                licence="LicenseRef-SoundBible" if bible else "LicenseRef-BigSoundBank",
                attribution=line["view_link"],
                origin_ids=(f"soundbible:{bible[1]}",) if bible else (),
            )


def remotes(raw: Raw) -> Iterator[Remote]:
    """The sounds that become rows."""
    for _, line in _lines(raw):
        if not _fault(line) and _text(line, raw.choice("text")):
            yield _remote(raw, line)


def _lines(raw: Raw) -> Iterator[tuple[int, dict[str, str]]]:
    for path in raw.names("*WavText5K.csv"):
        yield from enumerate(raw.csv(path, columns=_COLUMNS), start=2)


def _fault(line: dict[str, str]) -> str | None:
    if not line["fname"].strip():
        return "no_file_name"
    if not _ADDRESS.fullmatch(line["download_link"]):
        return "unknown_address"
    return None


def _remote(raw: Raw, line: dict[str, str]) -> Remote:
    stem = PurePosixPath(line["fname"]).stem
    kind = raw.choice("bigsoundbank")
    if bank := _BIG_SOUND_BANK.match(line["download_link"]):
        address = f"https://bigsoundbank.com/UPLOAD/{kind}/{bank[1]}.{kind}"
        return Remote(name=f"clips/{stem}.{kind}", url=address)
    return Remote(name=f"clips/{stem}.wav", url=line["download_link"])


def _text(line: dict[str, str], choice: str) -> str:
    title, description = plain(line["title"]), plain(line["description"])
    match choice:
        case "title":
            return title
        case "description":
            return description
        case "description_and_tags":
            return ", ".join(filter(None, (description, *_tags(line["tags"]))))
        case _:
            return description or title


def _tags(cell: str) -> list[str]:
    """The cell is a Python list of quoted words, in three with bare mark-up between; or empty."""
    words = (plain(word).strip(" '\"") for word in cell.strip().strip("[]").split(","))
    return list(dict.fromkeys(filter(None, words)))


BENCHMARKS = ()
