"""FindSounds: a search engine for sounds on other web sites (paper, footnote 2); optional."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import PurePosixPath

from schemas import Access, Archive, Choice, Dataset, Malformed, Raw, Remote, Row
from schemas.prose import plain

_COLUMNS = (
    *("query", "result_rank", "source_page", "audio_url", "description", "file_format"),
    *("sample_rate", "channels", "resolution_bits", "duration_s", "file_size"),
)

DATASET = Dataset(
    name="findsounds",
    title="FindSounds",
    homepage="https://www.findsounds.com",
    licence="LicenseRef-FindSounds-Unknown",
    citation="FindSounds, https://www.findsounds.com",
    archives=(Archive(name="findsounds.csv"),),
    access=Access(
        kind="crawl",
        how="There is no release and no API, and no code here visits the site: a person has to "
        "read its terms, and those of the sites it points to, first. Then give a folder with "
        f"findsounds.csv, whose columns are {', '.join(_COLUMNS)}; one line a result. Sounds with "
        "an https address are fetched from it; your own are called by the first 16 digits of the "
        "SHA-256 of audio_url.",
    ),
    splits=("train",),
    train=("train",),
    templates=("auxiliary",),
    choices=(
        Choice(
            name="text",
            value="description",
            others=("query", "query_and_description"),
            why="The paper does not say which text it used. A description is somebody's words for "
            "this very sound; a query is the word that was searched for.",
        ),
    ),
    notes=(
        "The authors' crawl is not published: a reproduction goes without, or has other sounds.",
        "The rights stay with the sites that FindSounds points to; most do not state them.",
        "Dead addresses, and the same sound on several sites, are the normal case.",
        "Plain http addresses are not fetched; a sound found in your own copy is used.",
    ),
)

_ADDRESS = re.compile(r"https?://[^/\s]+/\S+")
_SUFFIX = re.compile(r"\.(aiff?|au|flac|mp3|ogg|snd|wav)(?:[?#]|$)", re.IGNORECASE)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per line of the listing; two lines may name one sound."""
    found = {PurePosixPath(name).stem: name for name in raw.names()}
    for row_id, line in _lines(raw):
        address = line["audio_url"].strip()
        member = _member(address)
        clip = found.get(PurePosixPath(member).stem, member)
        if not _ADDRESS.fullmatch(address):
            yield Malformed(row_id=row_id, reason="no_address")
        elif text := _text(line, raw.choice("text")):
            yield Row(
                row_id=row_id,
                clip=clip,
                split="train",
                metadata=text,
                licence=DATASET.licence,
                attribution=line["source_page"].strip() or address,
            )
        else:
            yield Malformed(row_id=row_id, clip=clip, reason="no_text")


def remotes(raw: Raw) -> Iterator[Remote]:
    """Each https address once."""
    seen: set[str] = set()
    for _, line in _lines(raw):
        address = line["audio_url"].strip()
        secure = _ADDRESS.fullmatch(address) and address.startswith("https:")
        if secure and address not in seen:
            seen.add(address)
            yield Remote(name=_member(address), url=address)


def _lines(raw: Raw) -> Iterator[tuple[str, dict[str, str]]]:
    for path in raw.names("*findsounds.csv"):
        for number, line in enumerate(raw.csv(path, columns=_COLUMNS), start=2):
            yield f"findsounds.csv:{number}", line


def _member(address: str) -> str:
    """A name that follows from the address alone."""
    suffix = _SUFFIX.search(address)
    digits = sha256(address.encode()).hexdigest()[:16]
    return f"clips/{digits}.{suffix[1].lower() if suffix else 'wav'}"


def _text(line: dict[str, str], choice: str) -> str:
    query, description = plain(line["query"]), plain(line["description"])
    match choice:
        case "query":
            return query
        case "query_and_description":
            return ", ".join(filter(None, (query, description)))
        case _:
            return description


BENCHMARKS = ()
