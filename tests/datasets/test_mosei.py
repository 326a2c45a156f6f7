"""CMU-MOSEI: pieces of long recordings, by their times; the rules for sentiment and emotion."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from flows.steps.decode import decode
from reading import read
from small_copy import SmallCopy

HEADER = "video,start_time,end_time,sentiment,happy,sad,anger,surprise,disgust,fear,text,ASR\n"


Labels = list[tuple[str | None, str | None]]  # (sentiment, emotion)


def _read(folder: Path, lines: list[str], **chosen: str) -> tuple[Labels, list[str]]:
    text = "".join(f"{line},hm,\n" for line in lines)
    (folder / "Data_Train_modified.csv").write_text(HEADER + text)
    rows, reasons = read("cmu_mosei", folder, **chosen)
    return [(row.sentiment, row.emotion) for row in rows], reasons


@pytest.mark.parametrize(
    ("bins", "words"),
    [
        ("three", ["negative", "negative", "neutral", "positive", "positive"]),
        ("two", ["negative", "negative", None, "positive", "positive"]),
        ("two_nonnegative", ["negative", "negative", "positive", "positive", "positive"]),
        ("seven", ["highly negative", "weakly negative", "neutral", "weakly positive", "positive"]),
    ],
)
def test_bins_of_sentiment(bins: str, words: list[str | None], tmp_path: Path) -> None:
    """-2.3, -0.3, 0, 0.3 and 1.3: the corpus' own edges go away from 0, they do not round."""
    scores = ("-2.3333333", "-0.3333333", "0.0", "0.3333333", "1.3333333")
    lines = [f"81406,1,2,{score},1,0,0,0,0,0" for score in scores]
    found, reasons = _read(tmp_path, lines, sentiment_bins=bins)
    assert found == [(word, "happy") for word in words] and not reasons


@pytest.mark.parametrize(
    ("rule", "emotions"),
    [
        ("highest", ["anger", None, None]),
        ("highest_or_neutral", ["anger", None, "neutral"]),
        ("present", ["sad, anger", "happy, fear", None]),
    ],
)
def test_rules_of_emotion(rule: str, emotions: list[str | None], tmp_path: Path) -> None:
    """One that is highest, a tie, and none at all."""
    lines = [f"81406,1,2,1,{scores}" for scores in ("0,1,2,0,0,0", "1,0,0,0,0,1", "0,0,0,0,0,0")]
    found, _ = _read(tmp_path, lines, emotion=rule)
    assert found == [("positive", emotion) for emotion in emotions]
    words, _ = _read(tmp_path, lines, emotion=rule, emotion_words="msp_podcast")
    assert words == [
        ("positive", emotion and emotion.replace("anger", "angry")) for emotion in emotions
    ]


def test_pieces_that_cannot_be_are_refused(tmp_path: Path) -> None:
    faults = {
        "-0.18,2,1,1,0,0,0,0,0": "starts_before_0",
        "2,1.9,1,1,0,0,0,0,0": "ends_before_it_starts",
        "2,2.0001,1,1,0,0,0,0,0": "ends_before_it_starts",
        "2,inf,1,1,0,0,0,0,0": "not_a_number",
        "2,3,,1,0,0,0,0,0": "not_a_number",
        "2,3,3.1,1,0,0,0,0,0": "score_out_of_range",
        "2,3,nan,1,0,0,0,0,0": "score_out_of_range",
        "2,3,1,0,0,0,0,0,-1": "score_out_of_range",
        "2,3,0,0,0,0,0,0,0": "no_label",
    }
    lines = [f"81406,{fault}" for fault in faults]
    found, reasons = _read(tmp_path, lines, sentiment_bins="two")
    assert (found, reasons) == ([], list(faults.values()))


def test_recordings_are_found_wherever_they_are(tmp_path: Path) -> None:
    line = "1.25,3.5,1,1,0,0,0,0,0,so"
    for file, video in (
        ("Data_Train_modified.csv", "-iRBcNs9oI8"),
        ("Labels/Data_Val_original_without_neg_time.csv", "81406"),
        ("Data_Test_original.csv", "abcdefghijk"),
    ):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(f"{HEADER}{video},{line},\n")
    (tmp_path / "Audio").mkdir()
    (tmp_path / "Audio" / "-iRBcNs9oI8.wav").touch()
    (tmp_path / "81406.mp4").touch()
    rows, reasons = read("cmu_mosei", tmp_path)
    assert [(row.row_id, row.clip, row.split, row.origin_ids) for row in rows] == [
        (
            "Data_Train_modified.csv:2",
            "Audio/-iRBcNs9oI8.wav#t=1.250,3.500",
            "train",
            ("youtube:-iRBcNs9oI8",),
        ),
        (
            "Data_Val_original_without_neg_time.csv:2",
            "81406.mp4#t=1.250,3.500",
            "valid",
            (),
        ),
        (
            "Data_Test_original.csv:2",
            "CMU_MOSEI/Raw/Audio/Full/WAV_16000/abcdefghijk.wav#t=1.250,3.500",
            "test",
            ("youtube:abcdefghijk",),
        ),
    ]
    assert not reasons


def test_the_small_copys_voice_speaks_within_the_times(mini: Callable[[str], SmallCopy]) -> None:
    copy = mini("cmu_mosei")
    pieces = [row.clip.partition("#t=")[::2] for row in copy.rows if row.split == "valid"]
    (recording,) = {name for name, _ in pieces}
    (member,) = copy.raw.stream([recording])
    spoken = np.zeros(len(samples := decode(member.data, member.name).samples), bool)
    for _, times in pieces:
        start, end = (round(float(second) * 44_100) for second in times.split(","))
        spoken[start:end] = True
    level = np.abs(samples.astype(float))
    assert level[spoken].mean() > 20 * level[~spoken].mean()
    assert Counter(row.emotion for row in copy.rows if row.split == "valid") == {
        "happy": 2,
        None: 1,
        **dict.fromkeys(("sad", "anger", "surprise", "disgust", "fear"), 1),
    }
