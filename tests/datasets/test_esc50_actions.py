"""ESC50-Actions on the publisher's tables of folds 1 to 3: every threshold, and bad marks."""

from collections import Counter
from pathlib import Path

import pytest

from flows.steps.archives import ArchiveError
from reading import clean, read, write

SUMS = "actionvector_one_per_audiofile_sum.csv"
VOTES = "actionvector_three_per_audiofile.csv"
VERBS = (
    "blowing,breaking,calling,crumpling,dripping,exhaling,exploding,gasping,groaning,pouring,"
    "ringing,rolling,rotating,scraping,singing,sizzling,splashing,tapping,vibrating,wailing"
)


@pytest.mark.parametrize(
    ("threshold", "prevalence", "without"),  # of all 2000 clips, by the fact sheet
    [
        *(("1", 0.3147, 0), ("2", 0.2094, 0), ("3", 0.1509, 6), ("4", 0.1099, 24)),
        *(("5", 0.0777, 125), ("6", 0.0611, 277), ("7", 0.0478, 501), ("8", 0.0353, 775)),
        *(("all", 0.0442, 642), ("top", 0.05, 0)),
    ],
)
def test_every_threshold_for_verbs(
    threshold: str, prevalence: float, without: int, shared_data: Path
) -> None:
    found = clean("esc50_actions", shared_data / "ESC50-Actions", threshold=threshold)
    assert Counter(row.split for row in found) == {"fold1": 400, "fold2": 400, "fold3": 400}
    verbs = [len(row.events or ()) for row in found]
    assert sum(verbs) / len(verbs) / 20 == pytest.approx(prevalence, rel=0.12)
    assert verbs.count(0) / len(verbs) == pytest.approx(without / 2000, rel=0.12, abs=0.01)


def test_the_verbs_of_a_barking_dog(shared_data: Path) -> None:
    def heard(threshold: str) -> tuple[str, ...] | None:
        return clean("esc50_actions", shared_data / "ESC50-Actions", threshold=threshold)[0].events

    assert heard("all") == ("calling",)  # marked 2, 4, 4; wailing 3, 1, 0
    assert heard("3") == ("calling", "exhaling", "gasping", "wailing")  # sums 10, 3, 3, 4
    assert heard("4") == ("calling", "wailing")
    assert heard("top") == ("calling",)


def test_verbs_of_listeners_who_do_not_add_up(tmp_path: Path) -> None:
    def line(start: str, marks: list[str]) -> str:
        return ",".join([start, *marks, *["0"] * (20 - len(marks))]) + "\n"

    sums = f"filename,fold,target,category,{VERBS}\n"
    votes = f"filename,category,{VERBS}\n"
    for name, fold, total, given in (
        ("1-1-A-0.wav", "1", "6.0", ["1", "2", "3"]),
        ("1-2-A-0.wav", "1", "5.0", ["1", "2", "3"]),
        ("1-3-A-0.wav", "1", "3.0", ["1", "2"]),
        ("1-4-A-0.wav", "1", "5.0", ["0", "0", "5"]),
        ("1-5-A-0.wav", "1", "3.0", ["1", "x", "2"]),
        ("6-6-A-0.wav", "6", "3.0", ["1", "1", "1"]),
        ("dog.wav", "1", "3.0", ["1", "1", "1"]),
    ):
        sums += line(f"{name},{fold},0,dog", [total])
        votes += "".join(line(f"{name},dog", [mark]) for mark in given)
    write(tmp_path / SUMS, sums)
    write(tmp_path / VOTES, votes)
    write(tmp_path / "ESC-50-master/audio/1-1-A-0.wav")
    (row,), reasons = read("esc50_actions", tmp_path)
    assert (row.clip, row.events) == ("ESC-50-master/audio/1-1-A-0.wav", ("blowing",))
    assert reasons == [
        *("sums_differ", "not_three_listeners", "mark_out_of_range", "mark_out_of_range"),
        *("unexpected_file_name", "unexpected_file_name"),
    ]


@pytest.mark.parametrize(
    ("file", "header", "lacks"),
    [
        (SUMS, f"filename,fold,{VERBS.replace('wailing', 'crying')}", "wailing"),
        (VOTES, f"file,{VERBS}", "filename"),
    ],
)
def test_another_header_is_refused(file: str, header: str, lacks: str, tmp_path: Path) -> None:
    write(tmp_path / file, f"{header}\n")
    with pytest.raises(ArchiveError, match=rf"{file}: its header lacks {lacks}\. .*; found file"):
        read("esc50_actions", tmp_path)
