"""AudioSet, AudioCaps and DCASE 2017 Task 4: lists of YouTube segments, real, damaged and small."""

import csv
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from flows import datasets
from flows.datasets import DatasetFile, with_choices
from flows.steps.archives import ArchiveError, RawTree, Source
from schemas import Malformed, Remote, Row

HEAD = "# Segments csv created Sun Mar  5 10:54:31 2017\n# num_ytids={0}, num_segs={0}\n"
COLUMNS = "# YTID, start_seconds, end_seconds, positive_labels\n"
GOOD = '--aE2O5G5WE, 0.000, 10.000, "/m/03fwl,/m/04rlf,/m/09x0r"\n'
DAMAGED = "robustness-metadata/audioset_spreadsheet_damage_a.csv"
OFFICIAL = "AudioSet/balanced_train_segments.official_layout_reconstructed.csv"


def _tree(folder: Path, name: str, choices: dict[str, str]) -> tuple[DatasetFile, RawTree]:
    file = datasets.load(name)
    dataset = with_choices(file.dataset, choices)
    return file, RawTree([Source(folder.name, folder, "")], choices=dataset.choices)


def _read(folder: Path, name: str, **choices: str) -> list[Row | Malformed]:
    file, raw = _tree(folder, name, choices)
    return list(file.rows(raw))


def _rows(folder: Path, name: str, **choices: str) -> list[Row]:
    lines = _read(folder, name, **choices)
    assert not [line for line in lines if isinstance(line, Malformed)]
    return [line for line in lines if isinstance(line, Row)]


def _remotes(folder: Path, name: str, **choices: str) -> list[Remote]:
    file, raw = _tree(folder, name, choices)
    assert file.remotes is not None
    return list(file.remotes(raw))


def _videos(lines: Iterable[Row]) -> set[str]:
    return {origin.removeprefix("youtube:") for line in lines for origin in line.origin_ids}


@pytest.mark.parametrize("source", [OFFICIAL, "AudioSet/balanced_train_segments.csv"])
def test_audioset_has_the_published_counts(source: str, shared_data: Path, tmp_path: Path) -> None:
    text = (shared_data / source).read_bytes()
    (tmp_path / "balanced_train_segments.csv").write_bytes(text)
    rows = _rows(tmp_path, "audioset")
    labels = Counter(event for row in rows for event in row.events or ())
    assert (len(rows), len(labels), labels.total()) == (22160, 527, 52882)
    assert len(_videos(rows)) == 22160
    third = rows[2]
    assert third.row_id == "balanced_train:--aE2O5G5WE_0.000_10.000"
    assert third.events == ("Goat", "Music", "Speech")
    assert third.origin_ids == ("youtube:--aE2O5G5WE",)
    assert third.attribution == "https://www.youtube.com/watch?v=--aE2O5G5WE"
    assert (third.licence, third.split) == ("LicenseRef-YouTube", "balanced_train")


def test_audiocaps_has_the_published_counts(shared_data: Path) -> None:
    rows = _rows(shared_data / "AudioCaps", "audiocaps")
    assert Counter(row.split for row in rows) == {"train": 49838, "val": 2475}
    train = [row for row in rows if row.split == "train"]
    val = [row for row in rows if row.split == "val"]
    assert (len(_videos(train)), len(_videos(val))) == (49838, 495)
    assert set(Counter(row.clip for row in val).values()) == {5}
    assert sum(row.origin_ids[0].startswith("youtube:-") for row in train) == 2406
    assert train[0] == Row(
        row_id="train:91139",
        clip="clips/r1nicOVtvkQ_130.000_140.000.m4a",
        split="train",
        caption="A woman talks nearby as water pours",
        licence="LicenseRef-YouTube",
        attribution="https://www.youtube.com/watch?v=r1nicOVtvkQ",
        origin_ids=("youtube:r1nicOVtvkQ",),
    )
    remotes = _remotes(shared_data / "AudioCaps", "audiocaps")
    assert len(remotes) == 49838 + 495
    assert {remote.name for remote in remotes} == {row.clip for row in rows}
    odd = sum((remote.start or 0) % 10 != 0 for remote in remotes)
    assert odd == 5556 + 190 / 5  # the fact sheet counts rows
    assert remotes[1].model_dump() == {
        "name": "clips/UDGBjjwyaqE_20.000_30.000.m4a",
        "url": "youtube:UDGBjjwyaqE",
        "start": 20.0,
        "end": 30.0,
    }


def test_dcase_has_the_published_counts(shared_data: Path) -> None:
    folder = shared_data / "DCASE2017-Task4"
    rows = _rows(folder, "dcase2017_task4", training_set="read")
    assert Counter(row.split for row in rows) == {"validation": 488, "train": 51172}
    lists = {"validation": "testing_set", "train": "training_set"}
    for split, name in lists.items():
        found = Counter(e for row in rows if row.split == split for e in row.events or ())
        with (folder / f"{name}_num_files_per_class.csv").open(newline="") as file:
            assert found == {label: int(count) for label, count in csv.reader(file)}
    dashes = Counter(row.split for row in rows if row.origin_ids[0].startswith("youtube:-"))
    assert dashes == {"train": 1671, "validation": 384}
    horn = next(row for row in rows if row.origin_ids == ("youtube:-Gbohom8C4Q",))
    assert horn.row_id == "testing:-Gbohom8C4Q_30.000_40.000"
    assert horn.events == ("Train horn", "Air horn, truck horn", "Train")


def test_dcase_scores_the_set_that_is_chosen(shared_data: Path) -> None:
    folder = shared_data / "DCASE2017-Task4"
    for scored, split in (("evaluation", "validation"), ("testing", "test"), ("both", "test")):
        rows = _rows(folder, "dcase2017_task4", scored=scored)
        assert Counter(row.split for row in rows) == {split: 488}
        assert len(_remotes(folder, "dcase2017_task4", scored=scored)) == 488
    assert len(_remotes(folder, "dcase2017_task4", training_set="read")) == 488 + 51172


def test_placeholder_captions_stay_unless_left_out(shared_data: Path) -> None:
    lines = _read(shared_data / "AudioCaps", "audiocaps", placeholders="left_out")
    bad = [line for line in lines if isinstance(line, Malformed)]
    assert {line.reason for line in bad} == {"placeholder_caption"}
    ids = {"train:87946", "train:42323", "train:86734", "train:58995"}
    assert {line.row_id for line in bad} == ids
    assert len(lines) == 49838 + 2475


def test_the_later_captions_are_not_read(tmp_path: Path) -> None:
    header = "audiocap_id,youtube_id,start_time,caption\n"
    for folder, caption in (("dataset", "Rain falls"), ("dataset2.0", "rain falls")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "val.csv").write_text(f"{header}1,r1nicOVtvkQ,130,{caption}\n")
    assert [row.caption for row in _rows(tmp_path, "audiocaps")] == ["Rain falls"]


def test_a_list_that_a_spreadsheet_damaged_is_refused(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "balanced_train_segments.csv"
    path.write_bytes((shared_data / DAMAGED).read_bytes())
    with pytest.raises(ValueError, match=r"csv: header: expected .*_labels; found YTID,start_sec"):
        _read(tmp_path, "audioset")
    lines = (shared_data / DAMAGED).read_text().splitlines(keepends=True)[3:]
    path.write_text(HEAD.format(len(lines)) + COLUMNS + "".join(lines))
    with pytest.raises(ValueError, match=r"csv: row 4: expected a YouTube id .*'#NAME\?', '30'"):
        _read(tmp_path, "audioset")


@pytest.mark.parametrize(
    "line",
    [
        '#NAME?, 30.000, 40.000, "/m/09x0r"\n',
        '1.23457E+10, 30.000, 40.000, "/m/09x0r"\n',
        '123456789, 30.000, 40.000, "/m/09x0r"\n',
        '03.01.2024, 30.000, 40.000, "/m/09x0r"\n',
        '=-aE2O5G5WE, 30.000, 40.000, "/m/09x0r"\n',
        '--aE2O5G5WE, 12:00:30, 40.000, "/m/09x0r"\n',
        '--aE2O5G5WE, 30.000, , "/m/09x0r"\n',
        "--aE2O5G5WE, 30.000, 40.000\n",
        "--aE2O5G5WE, 30.000, 40.000, /m/09x0r, /m/04rlf\n",
        '--aE2O5G5WE, 30.000, 40.000, """/m/09x0r"""\n',
        '--aE2O5G5WE, 30.000, 40.000, "Speech"\n',
    ],
)
def test_each_damage_names_its_row(line: str, tmp_path: Path) -> None:
    (tmp_path / "eval_segments.csv").write_text(HEAD.format(2) + COLUMNS + GOOD + line)
    file, raw = _tree(tmp_path, "audioset", {})
    lines = file.rows(raw)
    assert isinstance(next(lines), Row)  # one after the other: the damage is not reached yet
    with pytest.raises(ValueError, match=r"eval_segments\.csv: row 5: expected .*; found .*again"):
        list(lines)


def test_lost_segments_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "eval_segments.csv").write_text(HEAD.format(3) + COLUMNS + GOOD)
    with pytest.raises(ValueError, match="expected the 3 segments of its header; found 1"):
        _read(tmp_path, "audioset")


@pytest.mark.parametrize(
    ("name", "file", "text", "fault"),
    [
        (
            *("audioset", "eval_segments.csv"),
            (HEAD.format(1) + COLUMNS + GOOD).replace("YTID, start_seconds", "YTID, start"),
            r"expected the columns YTID, start_seconds, .*; found YTID, start, end_seconds",
        ),
        (
            *("audioset", "class_labels_indices.csv", 'index,mid,name\n0,/m/09x0r,"Speech"\n'),
            r"lacks display_name\. Expected .* found index, mid, name",
        ),
        (
            *("audioset", "class_labels_indices.csv"),
            'index,mid,display_name\n0,/m/09x0r,"Talking"\n',
            r"527 classes of schemas/audioset\.py",
        ),
        (
            *("audiocaps", "test.csv", "audiocap_id,youtube_id,start,caption\n1,a,2,b\n"),
            r"lacks start_time\. Expected .* found audiocap_id, youtube_id, start, caption",
        ),
        (
            *("audiocaps", "test.csv"),
            "audiocap_id,youtube_id,start_time,caption\n7,#NAME?,30,Rain\n",
            r"test\.csv: row 2: expected a YouTube id",
        ),
        (
            *("dcase2017_task4", "groundtruth_weak_label_testing_set.csv"),
            "filename\tstart\tend\tlabel\n",
            r"testing_set\.csv: row 1: expected a YouTube id",
        ),
        (
            *("dcase2017_task4", "groundtruth_weak_label_testing_set.csv"),
            "-5QrBL6MzLg_60.000_70.000.wav\t60.000\t71.000\tTrain\n",
            r"row 1: expected file <id>_<start>_<end>\.wav",
        ),
    ],
)
def test_another_header_is_refused(
    name: str, file: str, text: str, fault: str, tmp_path: Path
) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises((ValueError, ArchiveError), match=fault):
        _read(tmp_path, name)


@pytest.mark.parametrize(
    ("name", "file", "text", "reasons"),
    [
        (
            *("audioset", "eval_segments.csv"),
            COLUMNS + GOOD.replace("/m/03fwl", "/m/0nobody") + GOOD.replace("10.000", "0.000"),
            ["unknown_class", "no_duration"],
        ),
        (
            *("audiocaps", "train.csv"),
            "audiocap_id,youtube_id,start_time,caption\n1,r1nicOVtvkQ,130, \n",
            ["empty_caption"],
        ),
        (
            *("dcase2017_task4", "groundtruth_weak_label_evaluation_set.csv"),
            "-5QrBL6MzLg_60.000_70.000.wav\t60.000\t70.000\tTram\n",
            ["unknown_class"],
        ),
    ],
)
def test_bad_lines_are_kept_with_a_reason(
    name: str, file: str, text: str, reasons: list[str], tmp_path: Path
) -> None:
    (tmp_path / file).write_text(text)
    lines = _read(tmp_path, name)
    assert [line.reason for line in lines if isinstance(line, Malformed)] == reasons


def test_the_right_piece_of_a_video_is_taken(tmp_path: Path) -> None:
    names = ["a/r1nicOVtvkQ_30.wav", "b/r1nicOVtvkQ_130.wav", "c/UDGBjjwyaqE.webm"]
    for name in names:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "val.csv").write_text(
        "audiocap_id,youtube_id,start_time,caption\n1,r1nicOVtvkQ,130,Water\n2,UDGBjjwyaqE,20,Hum\n"
    )
    assert [row.clip for row in _rows(tmp_path, "audiocaps")] == names[1:]


def test_a_long_list_is_read_with_few_looks_at_the_tree(tmp_path: Path) -> None:
    signs = random.Random(0)
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    videos = ["".join(signs.choices(alphabet, k=11)) for _ in range(5000)]
    text = "".join(f'{video}, 0.000, 10.000, "/m/09x0r"\n' for video in videos)
    (tmp_path / "unbalanced_train_segments.csv").write_text(HEAD.format(5000) + COLUMNS + text)
    for video in videos[:3]:
        (tmp_path / f"Y{video}.wav").touch()
    file, raw = _tree(tmp_path, "audioset", {})
    looks: list[str] = []
    names = raw.names
    raw.names = lambda pattern="*": looks.append(pattern) or names(pattern)
    clips = [line.clip for line in file.rows(raw)]
    assert clips[:3] == [f"Y{video}.wav" for video in videos[:3]]
    assert clips[3] == f"clips/{videos[3]}_0.000_10.000.m4a"
    assert (len(clips), len(looks)) == (5000, 3)
