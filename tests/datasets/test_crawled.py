"""Freesound and FindSounds: listings as their sites give them, and what the choices keep."""

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from flows import datasets
from reading import read, remotes


def _sound(**fields: object) -> dict[str, object]:
    return {
        "id": 415180,
        "name": "Rain_on roof 3.5.wav",
        "tags": ["rain", "roof"],
        "description": "<b>Heavy</b> rain. Zoom H4n.",
        "license": "http://creativecommons.org/licenses/by-nc/4.0/",
        "username": "sonsdebarcelona",
        "duration": 12.25,
        "gen_ai_preference": None,
    } | fields


def _listing(folder: Path, *sounds: dict[str, object]) -> Path:
    lines = "".join(json.dumps(sound) + "\n" for sound in sounds)
    (folder / "freesound_search.jsonl").write_text(lines)
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("first_sentence", "Heavy rain."),
        ("title", "Rain on roof 3.5"),
        ("title_and_sentence", "Rain on roof 3.5. Heavy rain"),
        ("title_sentence_tags", "Rain on roof 3.5. Heavy rain. rain, roof"),
    ],
)
def test_freesound_texts(text: str, expected: str, tmp_path: Path) -> None:
    (row,), _ = read("freesound", _listing(tmp_path, _sound()), text=text)
    assert row.metadata == expected
    assert (row.licence, row.origin_ids) == ("CC-BY-NC-4.0", ("freesound:415180",))
    assert row.attribution == (
        "Rain_on roof 3.5.wav by sonsdebarcelona, https://freesound.org/s/415180/"
    )
    (remote,) = remotes("freesound", tmp_path)
    assert (remote.name, remote.url) == (row.clip, "freesound:415180")


_ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"
_BY = "http://creativecommons.org/licenses/by/3.0/"
_SAMPLING = "http://creativecommons.org/licenses/sampling+/1.0/"


@pytest.mark.parametrize(
    ("fields", "chosen", "reason"),
    [
        ({"duration": 30}, {}, None),
        ({"duration": 30.01}, {}, "longer_than_chosen"),
        ({"duration": 30.01}, {"longest": "180"}, None),
        ({}, {"licences": "commercial"}, "licence_not_chosen"),
        ({"license": _SAMPLING}, {"licences": "commercial"}, "licence_not_chosen"),
        ({"license": _BY}, {"licences": "commercial"}, None),
        ({"license": _BY}, {"licences": "cc0"}, "licence_not_chosen"),
        ({"license": _ZERO}, {"licences": "cc0"}, None),
        ({"license": _SAMPLING}, {}, None),
        ({"gen_ai_preference": "no-gen-ai"}, {}, "gen_ai_preference"),
        ({"gen_ai_preference": "no-gen-ai"}, {"gen_ai_preference": "ignore"}, None),
        ({"gen_ai_preference": "open-source-models"}, {}, None),
        (
            {"gen_ai_preference": "open-source-models"},
            {"gen_ai_preference": "no_preference"},
            "gen_ai_preference",
        ),
        (
            {"gen_ai_preference": "no-additional-preferences"},
            {"gen_ai_preference": "no_preference"},
            None,
        ),
        ({"description": "", "name": "a.wav"}, {}, None),
        ({"description": " ", "name": ".wav"}, {}, "no_text"),
        ({"id": None}, {}, "no_id"),
        ({"duration": None}, {}, "no_duration"),
    ],
)
def test_freesound_keeps_what_is_chosen(
    fields: dict[str, object], chosen: dict[str, str], reason: str | None, tmp_path: Path
) -> None:
    rows, reasons = read("freesound", _listing(tmp_path, _sound(**fields)), **chosen)
    assert (len(rows), reasons) == ((0, [reason]) if reason else (1, []))
    assert len(remotes("freesound", tmp_path, **chosen)) == len(rows)


def test_the_search_asks_for_no_less_than_any_choice() -> None:
    (listing,) = datasets.load("freesound").dataset.archives
    scheme, _, query = (listing.url or "").partition("?")
    assert scheme == "freesound:search"
    asked = parse_qs(query, keep_blank_values=True)
    assert (asked["query"], asked["page_size"]) == ([""], ["150"])
    assert asked["filter"] == ["duration:[0 TO 180]"]
    assert set(_sound()) <= set(asked["fields"][0].split(","))


def test_freesound_reads_a_copy_as_downloaded(tmp_path: Path) -> None:
    (_listing(tmp_path, _sound()) / "sounds").mkdir()
    (tmp_path / "sounds/415180__sonsdebarcelona__rain.flac").touch()
    with (tmp_path / "freesound_search.jsonl").open("a") as file:
        file.write('\n[1, 2]\n{"id": 7, "na')
    (row,), reasons = read("freesound", tmp_path)
    assert row.clip == "sounds/415180__sonsdebarcelona__rain.flac"
    assert reasons == ["not_a_json_object", "not_a_json_object"]


_FINDSOUNDS = (
    "query,result_rank,source_page,audio_url,description,file_format,sample_rate,channels,"
    "resolution_bits,duration_s,file_size\n"
)


def test_findsounds_reads_a_listing(tmp_path: Path) -> None:
    (tmp_path / "findsounds.csv").write_text(
        _FINDSOUNDS
        + "dog,1,https://a.example/,https://a.example/Bark.AU?x=1,dog barking,AU,8000,1,8,1,8024\n"
        + "dog,2,https://b.example/,https://a.example/Bark.AU?x=1,,AU,8000,1,8,1,8024\n"
        + "cat,1,,http://c.example/meow,a cat,WAVE,8000,1,8,1,8024\n"
        + "cat,2,,javascript:play(),a cat,WAVE,8000,1,8,1,8024\n"
    )
    rows, reasons = read("findsounds", tmp_path)
    # sha256sum of the address
    assert [row.clip for row in rows] == ["clips/d3d4c3ffab0c43a8.au", "clips/ca7b2113e39261c7.wav"]
    assert reasons == ["no_text", "no_address"]
    assert [row.attribution for row in rows] == ["https://a.example/", "http://c.example/meow"]
    assert [remote.url for remote in remotes("findsounds", tmp_path)] == [
        "https://a.example/Bark.AU?x=1"
    ]
    by_query, _ = read("findsounds", tmp_path, text="query")
    assert [row.metadata for row in by_query] == ["dog", "dog", "cat"]
    both, _ = read("findsounds", tmp_path, text="query_and_description")
    assert [row.metadata for row in both] == ["dog, dog barking", "dog", "cat, a cat"]
