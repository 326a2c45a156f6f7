"""The auxiliary datasets' small copies: every choice, copies on disk, sounds that others have."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows import datasets
from reading import read, remotes
from small_copy import SmallCopy

Mini = Callable[[str], SmallCopy]

AUXILIARY = ("findsounds", "freesound", "macs", "sounddescs", "wavcaps", "wavtext5k")
FETCHED = ("findsounds", "freesound", "sounddescs", "wavtext5k")
CHOICES = {  # rows of the small copy where a choice is made otherwise; a clip may have several
    ("findsounds", "text", "query"): 45,
    ("findsounds", "text", "query_and_description"): 45,
    ("freesound", "text", "title"): 232,
    ("freesound", "text", "title_and_sentence"): 232,
    ("freesound", "text", "title_sentence_tags"): 233,
    ("freesound", "longest", "180"): 233,
    ("freesound", "licences", "commercial"): 118,
    ("freesound", "licences", "cc0"): 60,
    ("freesound", "gen_ai_preference", "no_preference"): 156,
    ("freesound", "gen_ai_preference", "ignore"): 233,
    ("macs", "captions", "first"): 42,
    ("macs", "competence", "half"): 81,
    ("wavcaps", "blacklist", "exclude_all_ac"): 57,
    ("wavcaps", "blacklist", "exclude_test_ac"): 61,
    ("wavcaps", "blacklist", "exclude_ub8k_esc50_vggsound"): 63,
    ("wavtext5k", "text", "description"): 47,
    ("wavtext5k", "text", "title"): 50,
    ("wavtext5k", "text", "description_and_tags"): 47,
    ("wavtext5k", "bigsoundbank", "wav"): 50,
}


def _copied(copy: SmallCopy, folder: Path) -> Path:
    """The small copy unpacked, as a person may have it."""
    for member in copy.raw.stream(copy.raw.names()):
        path = folder / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(member.data)
    return folder


def test_every_choice_is_counted() -> None:
    declared = {
        (name, choice.name, value)
        for name in AUXILIARY
        for choice in datasets.load(name).dataset.choices
        for value in choice.others
    }
    assert declared == set(CHOICES)


@pytest.mark.parametrize("name", AUXILIARY)
def test_every_choice_keeps_and_names_its_rows(name: str, mini: Mini, tmp_path: Path) -> None:
    folder = _copied(mini(name), tmp_path)
    rows, reasons = read(name, folder)
    assert rows == mini(name).rows
    for (of, choice, value), count in CHOICES.items():
        if of == name:
            kept, left_out = read(name, folder, **{choice: value})
            assert (choice, value, len(kept)) == (choice, value, count)
            assert choice == "captions" or len(kept) + len(left_out) == len(rows) + len(reasons)
            assert all(row.metadata and row.metadata.strip() for row in kept)


@pytest.mark.parametrize("name", FETCHED)
def test_rows_name_the_sounds_that_are_fetched(name: str, mini: Mini, tmp_path: Path) -> None:
    copy = mini(name)
    for member in copy.raw.stream([n for n in copy.raw.names() if not n.startswith("clips/")]):
        (tmp_path / member.name).write_bytes(member.data)
    rows, _ = read(name, tmp_path)
    fetched = {remote.name for remote in remotes(name, tmp_path)}
    plain_http = {"clips/f7e2feb4681c9e47.wav"} if name == "findsounds" else set[str]()
    assert {row.clip for row in rows} - fetched == plain_http
    assert set(copy.raw.names("clips/*")) <= fetched


def test_wavcaps_has_sounds_of_other_datasets(mini: Mini) -> None:
    def origins(name: str, *splits: str) -> set[str]:
        rows = [row for row in mini(name).rows if not splits or row.split in splits]
        return {origin for row in rows for origin in row.origin_ids}

    ours = origins("wavcaps")
    assert len(ours & origins("audiocaps", "test")) == 4
    assert len(ours & origins("audiocaps", "train")) == 4
    assert len(ours & origins("fsd50k", "eval")) == 3
    assert len(ours & origins("esc50")) >= 3  # some of FSD50K's are ESC-50's too
    assert len(ours & origins("clotho_v2", "evaluation")) == 2
    assert len(ours & origins("wavtext5k")) == 10
    assert len(ours & origins("sounddescs", "train")) == 10
    assert len(origins("freesound") & origins("fsd50k", "eval")) == 3
    assert len(origins("freesound") & origins("esc50")) >= 3
