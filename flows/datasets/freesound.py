"""Freesound through its API: what uploaders say about their sounds (freesound.org/docs/api)."""

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlencode

from schemas import Access, Archive, Choice, Dataset, Malformed, Raw, Remote, Row
from schemas.licences import spdx
from schemas.prose import first_sentence, plain

_LONGEST = 180  # seconds; what is asked of the API, LAION's limit too
_FIELDS = (
    *("id", "name", "tags", "description", "license", "username", "duration", "md5"),
    *("gen_ai_preference", "previews"),
)
_SEARCH = urlencode(
    {
        "query": "",
        "filter": f"duration:[0 TO {_LONGEST}]",
        "sort": "created_asc",
        "fields": ",".join(_FIELDS),
        "page_size": 150,  # the most the API gives
    }
)

DATASET = Dataset(
    name="freesound",
    title="FreeSound",
    homepage="https://freesound.org",
    licence="LicenseRef-Freesound",
    citation="Fonseca et al.: Freesound datasets: a platform for the creation of open audio "
    "datasets, ISMIR 2017",
    archives=(Archive(name="freesound_search.jsonl", url=f"freesound:search?{_SEARCH}"),),
    access=Access(
        kind="key",
        how="Apply for a key at https://freesound.org/apiv2/apply and put it into FREESOUND_TOKEN. "
        "A key may ask 2000 times a day: listing takes days, sounds one request each take longer. "
        "Use is not commercial, by the terms of the API. A copy of your own has "
        "freesound_search.jsonl (one JSON object a sound, as the API gives it) and sounds called "
        "ID.EXT or, as downloaded, ID__USER__NAME.EXT.",
    ),
    splits=("train",),
    train=("train",),
    templates=("auxiliary",),
    choices=(
        Choice(
            name="text",
            value="first_sentence",
            others=("title", "title_and_sentence", "title_sentence_tags"),
            why="The paper does not say which text it used. The first sentence of a description "
            "says what is heard more often than the rest of it does; the title stands in where "
            "there is none. 'title_and_sentence' is the rule of LAION's audio-dataset.",
        ),
        Choice(
            name="longest",
            value="30",
            others=("180",),
            why="The paper does not say which sounds it used. The model hears 7 s: a description "
            "of a long recording seldom fits them. 30 s is the limit of FSD50K, 180 s LAION's.",
        ),
        Choice(
            name="licences",
            value="all",
            others=("commercial", "cc0"),
            why="Every licence of Freesound permits research. 'commercial' leaves out those that "
            "forbid commercial use and Sampling+, 'cc0' takes public domain alone.",
        ),
        Choice(
            name="gen_ai_preference",
            value="not_refused",
            others=("no_preference", "ignore"),
            why="Uploaders may say how their sounds may be used for generative AI, since after "
            "the paper. A sound marked no-gen-ai is left out; models of this project are open "
            "and not commercial, which the other values permit. 'no_preference' takes only "
            "sounds without any condition; a person who trains another model has to decide anew.",
        ),
    ),
    notes=(
        "How many sounds the paper took is not known: no count is expected.",
        "What the API gives changes from day to day: the listing that was fetched is kept.",
        "Sounds are fetched as previews (MP3, about 128 kbps); originals need a person's login.",
        "Descriptions are in any language; packs hold thousands of nearly the same note.",
        "LAION's dump (Meranti/CLAP_freesound, 515581 sounds) is another layout, not read here.",
        "WavCaps FreeSound and FSD50K are from the same place: origin ids say so.",
    ),
)

_EXTENSION = re.compile(r"\.(?:aiff?|flac|m4a|mp3|ogg|wave?)$", re.IGNORECASE)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per sound of the listing that the choices keep; the others with their reason."""
    found = {PurePosixPath(name).stem.partition("__")[0]: name for name in raw.names()}
    for row_id, sound in _sounds(raw):
        if sound is None:
            yield Malformed(row_id=row_id, reason="not_a_json_object")
            continue
        number = str(sound.get("id") or "")
        clip = found.get(number, _member(number))
        if reason := _fault(raw, sound):
            yield Malformed(row_id=row_id, clip=clip, reason=reason)
        elif not (text := _text(sound, raw.choice("text"))):
            yield Malformed(row_id=row_id, clip=clip, reason="no_text")
        else:
            yield Row(
                row_id=row_id,
                clip=clip,
                split="train",
                metadata=text,
                licence=spdx(str(sound.get("license") or "")),
                attribution=f"{sound.get('name')} by {sound.get('username')}, "
                f"https://freesound.org/s/{number}/",
                origin_ids=(f"freesound:{number}",),
            )


def remotes(raw: Raw) -> Iterator[Remote]:
    """The sounds that become rows."""
    for _, sound in _sounds(raw):
        if sound is None or _fault(raw, sound) or not _text(sound, raw.choice("text")):
            continue
        yield Remote(name=_member(str(sound["id"])), url=f"freesound:{sound['id']}")


def _member(number: str) -> str:
    return f"clips/{number}.mp3"


def _sounds(raw: Raw) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """(row id, sound) line by line; None where a line is no JSON object."""
    for path in raw.names("*freesound_search.jsonl"):
        with raw.open(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"freesound_search.jsonl:{number}", _object(line)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(line)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _fault(raw: Raw, sound: dict[str, Any]) -> str | None:
    """Why a sound is left out, if it is: a field that is missing, or one of the choices."""
    number, seconds = str(sound.get("id") or ""), sound.get("duration")
    if not number.isdigit():
        return "no_id"
    if not isinstance(seconds, int | float):
        return "no_duration"
    if seconds > float(raw.choice("longest")):
        return "longer_than_chosen"
    if not _free(spdx(str(sound.get("license") or "")), raw.choice("licences")):
        return "licence_not_chosen"
    if not _permitted(sound.get("gen_ai_preference"), raw.choice("gen_ai_preference")):
        return "gen_ai_preference"
    return None


def _free(licence: str, choice: str) -> bool:
    if choice == "cc0":
        return licence == "CC0-1.0"
    return choice == "all" or (licence.startswith("CC") and "-NC" not in licence)


def _permitted(preference: str | None, choice: str) -> bool:
    if choice == "no_preference":
        return preference in (None, "", "no-additional-preferences")
    return choice == "ignore" or preference != "no-gen-ai"


def _text(sound: dict[str, Any], choice: str) -> str:
    title = plain(_EXTENSION.sub("", str(sound.get("name") or "")).replace("_", " "))
    sentence = first_sentence(str(sound.get("description") or ""))
    if choice == "first_sentence":
        return sentence or title
    parts = [title] if choice == "title" else [title, sentence]
    if choice == "title_sentence_tags":
        parts.append(", ".join(map(str, sound.get("tags") or ())))
    return ". ".join(part.rstrip(". ") for part in parts if part)


BENCHMARKS = ()
