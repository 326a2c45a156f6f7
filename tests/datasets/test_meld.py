"""MELD: the publisher's counts, its documented defects, its words."""

from collections import Counter
from pathlib import Path

import pytest

from flows.steps.archives import ArchiveError
from reading import read

HEADER = "Sr No.,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n"


def test_meld_has_the_published_counts(shared_data: Path) -> None:
    rows, reasons = read("meld", shared_data / "MELD")
    assert reasons == ["wrongly_cut"]  # train dia309_utt0, joy
    assert Counter(row.split for row in rows) == {"train": 9989 - 1, "validation": 1109}
    emotions = Counter(row.emotion for row in rows if row.split == "train")
    assert emotions == {
        "neutral": 4710,
        "joy": 1743 - 1,
        "surprise": 1205,
        "anger": 1109,
        "sadness": 683,
        "disgust": 271,
        "fear": 268,
    }
    sentiments = Counter(row.sentiment for row in rows if row.split == "validation")
    assert sentiments == {"neutral": 470, "negative": 406, "positive": 233}
    assert rows[0].clip == "train.tar.gz/train_splits/dia0_utt0.mp4"
    surprised = Counter(
        row.sentiment for row in rows if (row.split, row.emotion) == ("train", "surprise")
    )
    assert surprised == {"negative": 614, "positive": 591}


def test_meld_in_the_words_of_msp_podcast(shared_data: Path) -> None:
    rows, _ = read("meld", shared_data / "MELD", emotion_words="msp_podcast")
    emotions = Counter(row.emotion for row in rows if row.split == "validation")
    assert emotions == {
        "neutral": 470,
        "happy": 163,
        "angry": 153,
        "surprise": 150,
        "sad": 111,
        "fear": 40,
        "disgust": 22,
    }


def test_meld_is_found_whether_unpacked_or_not(tmp_path: Path) -> None:
    (tmp_path / "MELD.Raw" / "train_splits").mkdir(parents=True)
    (tmp_path / "MELD.Raw" / "train_splits" / "dia0_utt1.mp4").touch()
    (tmp_path / "MELD.Raw" / "train_splits" / "._dia0_utt1.mp4").touch()
    (tmp_path / "train_sent_emo.csv").write_text(f"{HEADER}1,joy,positive,0,1\n")
    (row,), _ = read("meld", tmp_path)
    assert row.clip == "MELD.Raw/train_splits/dia0_utt1.mp4"


def test_meld_passes_over_what_is_cut_wrongly_or_named_by_no_row(tmp_path: Path) -> None:
    folder = tmp_path / "output_repeated_splits_test"
    folder.mkdir()
    for name in ("dia108_utt2", "final_videos_testdia101_utt0", "dia101_utt0"):
        (folder / f"{name}.mp4").touch()
    lines = ((1, 38, 4), (2, 220, 0), (3, 309, 0), (4, 101, 0))
    text = "".join(f"{n},joy,positive,{d},{u}\n" for n, d, u in lines)
    (tmp_path / "test_sent_emo.csv").write_text(HEADER + text)
    rows, reasons = read("meld", tmp_path)
    assert reasons == ["wrongly_cut", "wrongly_cut"]
    assert [row.clip.rpartition("/")[2] for row in rows] == ["dia309_utt0.mp4", "dia101_utt0.mp4"]


def test_meld_refuses_another_header(tmp_path: Path) -> None:
    (tmp_path / "dev_sent_emo.csv").write_text("Sr No.,Emotion,Sentiment\n1,joy,positive\n")
    with pytest.raises(ArchiveError, match=r"lacks Dialogue_ID, Utterance_ID"):
        read("meld", tmp_path)
