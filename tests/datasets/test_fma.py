"""FMA's three header lines, its choices, its licences, and lines that are no row."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from flows.steps.archives import ArchiveError
from reading import read
from schemas import Row

HEAD = (  # of the publisher's tracks.csv, cut to some of its 53 columns
    ",album,artist,set,set,track,track,track,track,track,track,track,track",
    ",title,name,split,subset,genre_top,genres,genres_all,language_code,license,listens,tags,title",
    "track_id,,,,,,,,,,,,",
)
GENRES = "genre_id,#tracks,parent,title,top_level\n38,1,0,Experimental,38\n21,1,0,Hip-Hop,21\n"
TRACK = {
    "split": "training",
    "subset": "small",
    "top": "Hip-Hop",
    "genres": "[21]",
    "all": "[21]",
    "code": "en",
    "licence": "",
    "tags": "[]",
}


def _fma(
    folder: Path, tracks: Mapping[int, Mapping[str, str]], head: tuple[str, ...] = HEAD
) -> None:
    out = io.StringIO()
    for number, cells in tracks.items():
        t = {**TRACK, **cells}
        cells_in_order = (t["split"], t["subset"], t["top"], t["genres"], t["all"], t["code"])
        csv.writer(out).writerow(
            [number, "A Way Of Life", "AWOL", *cells_in_order, t["licence"], 7, t["tags"], "Food"]
        )
    (folder / "fma_metadata").mkdir()
    (folder / "fma_metadata" / "genres.csv").write_text(GENRES)
    (folder / "fma_metadata" / "tracks.csv").write_text("\n".join([*head, out.getvalue()]))
    (folder / "fma_metadata" / "raw_tracks.csv").write_text("track_id,album_id\n2,1\n")


def test_an_fma_track_has_its_facts_by_name(tmp_path: Path) -> None:
    _fma(tmp_path, {2: {"tags": "['glitch', 'idm']", "licence": "CC0 1.0 Universal"}, 155066: {}})
    (tmp_path / "fma_full" / "155").mkdir(parents=True)
    (tmp_path / "fma_full" / "155" / "155066.mp3").touch()
    first, second = read("fma", tmp_path)[0]
    assert first == Row(
        row_id="tracks.csv:2",
        clip="fma_large/000/000002.mp3",
        split="training",
        language="English",
        genre="Hip-Hop",
        tags=("glitch", "idm"),
        licence="CC0-1.0",
        attribution="Food by AWOL",
    )
    assert (second.clip, second.tags) == ("fma_full/155/155066.mp3", ())


@pytest.mark.parametrize(
    ("title", "licence"),
    [
        ("Attribution-NonCommercial-ShareAlike 3.0 International", "CC-BY-NC-SA-3.0"),
        ("Attribution-Noncommercial-No Derivative Works 3.0 Unported", "CC-BY-NC-ND-3.0"),
        ("Attribution-NonCommercial-NoDerivatives (aka Music Sharing) 4.0", "CC-BY-NC-ND-4.0"),
        (
            "Attribution-Noncommercial-Share Alike 3.0 United States",
            "LicenseRef-Attribution-Noncommercial-Share-Alike-3.0-United-States",
        ),
        ("FMA-Limited: Download Only", "LicenseRef-FMA-Limited-Download-Only"),
        ("", "LicenseRef-Unknown"),
    ],
)
def test_fma_licences_keep_the_country_they_were_ported_to(
    title: str, licence: str, tmp_path: Path
) -> None:
    _fma(tmp_path, {2: {"licence": title}})
    assert [row.licence for row in read("fma", tmp_path)[0]] == [licence]


@pytest.mark.parametrize(
    ("chosen", "languages", "rejected"),
    [
        ({}, ["English", "unknown", "Spanish"], []),
        ({"missing_language": "english"}, ["English", "english", "Spanish"], []),
        ({"missing_language": "left_out"}, ["English", "Spanish"], ["no_language"]),
    ],
)
def test_fma_tracks_without_a_language(
    chosen: dict[str, str], languages: list[str], rejected: list[str], tmp_path: Path
) -> None:
    _fma(tmp_path, {2: {}, 3: {"code": ""}, 5: {"code": "es"}})
    rows, reasons = read("fma", tmp_path, **chosen)
    assert [row.language for row in rows] == languages
    assert reasons == rejected


@pytest.mark.parametrize(
    ("how", "genres", "rejected"),
    [
        ("top_else_listed", ["Hip-Hop", "Hip-Hop, Experimental"], []),
        ("top", ["Hip-Hop"], ["no_genre"]),
        ("all", ["Hip-Hop", "Experimental, Hip-Hop"], []),
    ],
)
def test_fma_tracks_of_several_roots(
    how: str, genres: list[str], rejected: list[str], tmp_path: Path
) -> None:
    _fma(tmp_path, {2: {}, 3: {"top": "", "genres": "[21, 38]", "all": "[38, 21]"}})
    rows, reasons = read("fma", tmp_path, genre=how)
    assert [row.genre for row in rows] == genres
    assert reasons == rejected


@pytest.mark.parametrize(("subset", "kept"), [("small", 1), ("medium", 2), ("large", 3)])
def test_a_subset_of_fma_holds_the_smaller_ones(subset: str, kept: int, tmp_path: Path) -> None:
    _fma(tmp_path, {n: {"subset": s} for n, s in enumerate(("small", "medium", "large"))})
    rows, reasons = read("fma", tmp_path, subset=subset)
    assert (len(rows), reasons) == (kept, [])


def test_fma_lines_that_are_no_row(tmp_path: Path) -> None:
    bad = {
        1: {"subset": "huge"},
        2: {"split": "train"},
        3: {"code": "english"},
        4: {"top": "", "genres": "[]"},
        5: {"top": "", "genres": "[806]"},
        6: {"tags": "['glitch"},
        7: {"tags": "glitch"},
        8: {"tags": "{}"},
    }
    _fma(tmp_path, bad)
    reasons = ["unknown_subset", "unknown_split", "unknown_language", "no_genre", "unknown_genre"]
    assert read("fma", tmp_path) == ([], [*reasons, "bad_list", "bad_list", "bad_list"])


def test_an_fma_table_of_another_shape_is_refused(tmp_path: Path) -> None:
    _fma(tmp_path, {2: {}}, head=(HEAD[0], HEAD[1].replace("language_code", "language"), HEAD[2]))
    with pytest.raises(ValueError, match=r"lack track\.language_code\..*found.*track\.language,"):
        read("fma", tmp_path)
    (tmp_path / "fma_metadata" / "genres.csv").write_text("genre,name\n")
    with pytest.raises(ArchiveError, match=r"genres\.csv: its header lacks genre_id, title\."):
        read("fma", tmp_path)
