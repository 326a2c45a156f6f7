"""Readers of emotional speech and vocal sounds: real lists, bad lines, every choice."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from flows import datasets
from flows.datasets import with_choices
from flows.steps.archives import ArchiveError
from flows.steps.decode import decode
from reading import read, remotes
from small_copy import SmallCopy

MOSI = "video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode\n"
MSP = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
FIVE_FOLDS = ["fold1", "fold2", "fold3", "fold4", "fold5"]


def _write(folder: Path, file: str, text: str = "") -> None:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)


# CREMA-D


def test_crema_d_reads_the_publishers_list(shared_data: Path) -> None:
    rows, reasons = read("crema_d", shared_data / "CREMA-D")  # actors 1001 to 1060
    assert not reasons and len(rows) == 4901
    assert Counter(row.emotion for row in rows) == {
        **dict.fromkeys(("anger", "disgust", "fear", "happy", "sad"), 837),
        "neutral": 716,
    }
    assert Counter(row.split for row in rows) == {
        "fold1": 984,
        "fold2": 983,
        "fold3": 978,
        "fold4": 972,
        "fold5": 984,
    }
    assert rows[1].row_id == "1001_IEO_HAP_LO"
    assert (rows[1].clip, rows[1].emotion) == ("AudioWAV/1001_IEO_HAP_LO.wav", "happy")
    sounds = remotes("crema_d", shared_data / "CREMA-D")
    assert len(sounds) == 4901 and sounds[0].name == rows[0].clip
    assert sounds[0].url == (
        "https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master/"
        "AudioWAV/1001_IEO_NEU_XX.wav"
    )


def test_crema_d_by_votes_leaves_ties_out(shared_data: Path) -> None:
    rows, reasons = read("crema_d", shared_data / "CREMA-D", label="voice_vote")
    assert Counter(row.emotion for row in rows) == {
        "neutral": 2459,
        "anger": 679,
        "fear": 461,
        "disgust": 369,
        "sad": 281,
        "happy": 225,
    }
    assert Counter(reasons) == {"no_single_vote": 4901 - 4474}
    meant = {row.row_id: row.emotion for row in read("crema_d", shared_data / "CREMA-D")[0]}
    assert sum(meant[row.row_id] == row.emotion for row in rows) == 2081


def test_crema_d_has_the_published_counts_by_fold() -> None:
    """91 actors of 82 clips, of whom two have 81 and three 76 (1002, 1076; 1008, 1009, 1019)."""
    clips = {actor: 82 for actor in range(1001, 1092)}
    clips |= {1002: 81, 1076: 81, 1008: 76, 1009: 76, 1019: 76}
    folds = [sum(clips[actor] for actor in range(1001 + k, 1092, 5)) for k in range(5)]
    expected = datasets.load("crema_d").dataset.expected_clips
    assert expected == dict(zip(FIVE_FOLDS, folds, strict=True)) and sum(folds) == 7442


def test_crema_d_choices_of_clips_and_folds(mini: Callable[[str], SmallCopy]) -> None:
    folder = Path(mini("crema_d").raw.sources[0].path).parent
    rows, reasons = read("crema_d", folder)
    assert (len(rows), reasons) == (53, ["unexpected_file_name"])
    rows, reasons = read("crema_d", folder, clips="audible")
    assert (len(rows), Counter(reasons)["no_sound"]) == (52, 1)
    rows, reasons = read("crema_d", folder, clips="tfds")
    assert (len(rows), Counter(reasons)["left_out_by_tfds"]) == (51, 2)
    assert len(remotes("crema_d", folder, clips="tfds")) == 51
    rows, _ = read("crema_d", folder, folds="clip")
    assert [row.split for row in rows[:6]] == [*FIVE_FOLDS, "fold1"]
    rows, _ = read("crema_d", folder)
    assert len({(row.row_id[:4], row.split) for row in rows}) == 8 + 4  # an actor, one fold


def test_crema_d_has_the_publishers_twin_and_silence(mini: Callable[[str], SmallCopy]) -> None:
    copy = mini("crema_d")
    names = [f"AudioWAV/{n}.wav" for n in ("1006_TIE_HAP_XX", "1006_TIE_NEU_XX")]
    sounds = {member.name: member.data for member in copy.raw.stream(names)}
    assert sounds[names[0]] == sounds[names[1]]
    assert len({row.emotion for row in copy.rows if row.clip in names}) == 2
    (silent,) = copy.raw.stream(["AudioWAV/1076_MTI_SAD_XX.wav"])
    assert not decode(silent.data, silent.name).samples.any()


def test_crema_d_refuses_another_header(tmp_path: Path) -> None:
    _write(tmp_path, "SentenceFilenames.csv", "Number,File\n1,1001_IEO_NEU_XX\n")
    with pytest.raises(ArchiveError, match=r"lacks Stimulus_Number, Filename.*found Number, File"):
        read("crema_d", tmp_path)


# RAVDESS


def test_ravdess_counts_by_fold_follow_from_the_actors() -> None:
    """60 takes spoken by each of 24 actors, 44 sung by all but actor 18."""
    takes = [60 + 44 * (actor != 18) for actor in range(1, 25)]
    folds = [sum(takes[k::5]) for k in range(5)]
    expected = datasets.load("ravdess").dataset.expected_clips
    assert expected == dict(zip(FIVE_FOLDS, folds, strict=True)) and sum(folds) == 2452


def test_ravdess_reads_all_from_the_file_name(tmp_path: Path) -> None:
    takes = [
        f"03-{channel}-{emotion:02}-{strength}-{sentence}-{take}-{actor:02}.wav"
        for channel in ("01", "02")
        for emotion in range(1, 9)
        for strength in ("01", "02")
        for sentence in ("01", "02")
        for take in ("01", "02")
        for actor in range(1, 25)
    ]
    for name in takes:
        _write(tmp_path, f"Actor_{name[18:20]}/{name}")
    rows, reasons = read("ravdess", tmp_path)
    assert len(rows) == 1440 + 1012 and len(reasons) == len(takes) - 2452
    assert set(reasons) == {"no_such_recording"}
    assert Counter(row.emotion for row in rows)["surprised"] == 192
    assert {row.split for row in rows if row.row_id.endswith("-18")} == {"fold3"}
    assert len(read("ravdess", tmp_path, clips="speech")[0]) == 1440
    assert len(read("ravdess", tmp_path, clips="song")[0]) == 1012
    by_clip = Counter(row.split for row in read("ravdess", tmp_path, folds="clip")[0])
    assert sorted(by_clip.values()) == [490, 490, 490, 491, 491]  # PALM tests on 491


def test_ravdess_reads_a_doubled_copy_once(tmp_path: Path) -> None:
    name = "03-01-06-01-02-01-12.wav"
    for folder in ("audio_speech_actors_01-24/Actor_12", "Actor_12", "__MACOSX/Actor_12"):
        _write(tmp_path, f"{folder}/{'._' if folder.startswith('_') else ''}{name}")
    _write(tmp_path, "Actor_12/01-01-06-01-02-01-12.wav")
    (row,), reasons = read("ravdess", tmp_path)
    assert (row.clip, row.emotion, row.split) == (f"Actor_12/{name}", "fearful", "fold2")
    assert reasons == ["unexpected_file_name"]


# VocalSound


def test_vocalsound_reads_either_release(tmp_path: Path) -> None:
    entries = [
        {"wav": "/home_of_author/data/f0003_0_throatclearing.wav", "labels": "/m/0dl9sf8"},
        {"wav": "/home_of_author/data/f0003_0_cough.wav", "labels": "/m/07ppn3j"},
        {"wav": "/home_of_author/data/f0003_0_sniff.wav", "labels": "/m/000"},
        {"wav": "/home_of_author/data/m0600_0_sigh.wav", "labels": "/m/07plz5l"},
    ]
    _write(tmp_path, "datafiles/te.json", json.dumps({"data": entries}))
    _write(tmp_path, "datafiles/subtest/te_age1.json", json.dumps({"data": entries}))
    _write(tmp_path, "audio_16k/f0003_0_throatclearing.wav")
    rows, reasons = read("vocalsound", tmp_path)
    assert [(row.clip, row.events, row.split) for row in rows] == [
        ("audio_16k/f0003_0_throatclearing.wav", ("Throat clearing",), "test"),
        ("data_44k/m0600_0_sigh.wav", ("Sigh",), "test"),
    ]
    assert reasons == ["label_is_not_the_file_names", "unknown_class"]


# MSP-Podcast


def test_msp_podcast_names_the_letters(mini: Callable[[str], SmallCopy]) -> None:
    copy = mini("msp_podcast")
    assert {row.emotion for row in copy.rows} == {
        *("angry", "sad", "happy", "surprise", "fear", "disgust", "contempt", "neutral")
    }
    assert {row.sentiment for row in copy.rows} == {None}
    assert [line.reason for line in copy.malformed] == [
        *("no_agreement", "other_emotion", "unknown_emotion", "unlabelled_split")
    ]


def test_msp_podcast_makes_sentiment_of_valence(tmp_path: Path) -> None:
    lines = [("N", "3.49"), ("N", "3.5"), ("H", "4.5"), ("H", "4.51"), ("X", "1"), ("O", "7")]
    lines += [("A", "0.9"), ("A", "?"), ("?", "4")]
    text = "".join(
        f"MSP-PODCAST_0001_{n:04}.wav,{letter},4,{valence},4,Unknown,Male,Development\n"
        for n, (letter, valence) in enumerate(lines)
    )
    _write(tmp_path, "Labels/labels_consensus.csv", MSP + text)
    _write(tmp_path, "Audio/MSP-PODCAST_0001_0000.wav")
    rows, reasons = read("msp_podcast", tmp_path, sentiment="valence")
    assert [(row.emotion, row.sentiment) for row in rows] == [
        ("neutral", "negative"),
        ("neutral", "neutral"),
        ("happy", "neutral"),
        ("happy", "positive"),
        (None, "negative"),
        (None, "positive"),
    ]
    assert reasons == ["unknown_valence", "unknown_valence", "unknown_emotion"]
    assert [row.clip for row in rows[:2]] == [
        "Audio/MSP-PODCAST_0001_0000.wav",
        "Audios/MSP-PODCAST_0001_0001.wav",
    ]
    dataset = datasets.load("msp_podcast").dataset
    assert dataset.templates == ("speech_emotion_recognition",)
    assert with_choices(dataset, {"sentiment": "valence"}).templates == (
        *("speech_emotion_recognition", "speech_sentiment_recognition"),
    )


def test_msp_podcast_takes_the_release_asked_for(tmp_path: Path) -> None:
    for release, letter in (("1.11", "A"), ("1.12", "S"), ("2.0", "H")):
        line = f"MSP-PODCAST_0001_0008.wav,{letter},4,4,4,1,Male,Train\n"
        _write(tmp_path, f"MSP-PODCAST {release}/Labels/labels_consensus.csv", MSP + line)
        _write(tmp_path, f"MSP-PODCAST {release}/Audios/MSP-PODCAST_0001_0008.wav")
    for release, emotion in (("1.11", "angry"), ("1.12", "sad"), ("2.0", "happy")):
        (row,), _ = read("msp_podcast", tmp_path, release=release)
        assert row.emotion == emotion
        assert row.clip == f"MSP-PODCAST {release}/Audios/MSP-PODCAST_0001_0008.wav"
    (tmp_path / "MSP-PODCAST 1.11" / "Labels" / "labels_consensus.csv").unlink()
    with pytest.raises(ValueError, match=r"of release 1\.11; found MSP-PODCAST 1\.12/Labels"):
        read("msp_podcast", tmp_path)


def test_msp_podcast_refuses_another_header(tmp_path: Path) -> None:
    _write(tmp_path, "labels_consensus.csv", "FileName;EmoClass\na.wav;N\n")
    with pytest.raises(ArchiveError, match=r"lacks FileName, EmoClass.*found FileName;EmoClass"):
        read("msp_podcast", tmp_path)
    _write(tmp_path, "labels_consensus.csv", MSP + "a.wav,N,1,1,1,1,Male,Validation\n")
    assert read("msp_podcast", tmp_path) == ([], ["unknown_split"])


# CMU-MOSI and CMU-MOSEI


@pytest.mark.parametrize(
    ("bins", "words"),
    [
        ("three", ["negative", "negative", "neutral", "positive", "positive"]),
        ("two", ["negative", "negative", "positive", "positive"]),
        ("two_nonnegative", ["negative", "negative", "positive", "positive", "positive"]),
        (
            "seven",
            ["highly negative", "weakly negative", "neutral", "neutral", "weakly positive"],
        ),
    ],
)
def test_mosi_bins(bins: str, words: list[str], tmp_path: Path) -> None:
    """-2.6, -1.4, 0, 0.4 and 1.4: seven classes round."""
    scores = ("-2.6", "-1.4", "0.0", "0.4", "1.4")
    lines = [f'-dashId_012,{n},"A, B",{s},,,,,train\n' for n, s in enumerate(scores, 1)]
    _write(tmp_path, "MOSI/label.csv", MOSI + "".join(lines))
    rows, reasons = read("cmu_mosi", tmp_path, sentiment_bins=bins)
    assert [row.sentiment for row in rows] == words
    assert reasons == ["neutral_score"] * (bins == "two")
    assert rows[0].origin_ids == ("youtube:-dashId_012",)


def test_mosi_finds_sounds_of_other_names(tmp_path: Path) -> None:
    lines = "".join(f"ab_cd-EF_12,{n},,1,,,,,valid\n" for n in (1, 2, 3))
    _write(tmp_path, "label.csv", MOSI + lines + "1234,x,,1,,,,,test\n1234,1,,1,,,,,dev\n")
    _write(tmp_path, "Raw/ab_cd-EF_12/1.mp4")
    _write(tmp_path, "Audio/WAV_16000/Segmented/ab_cd-EF_12_2.wav")
    rows, reasons = read("cmu_mosi", tmp_path)
    assert [row.clip for row in rows] == [
        "Raw/ab_cd-EF_12/1.mp4",
        "Audio/WAV_16000/Segmented/ab_cd-EF_12_2.wav",
        "Raw/ab_cd-EF_12/3.mp4",
    ]
    assert reasons == ["unknown_segment", "unknown_split"]


def test_mosi_refuses_sounds_counted_from_0(tmp_path: Path) -> None:
    _write(tmp_path, "label.csv", f"{MOSI}abcdefghijk,1,,1,,,,,train\n")
    _write(tmp_path, "Raw/abcdefghijk/0.mp4")
    with pytest.raises(ValueError, match="counts the clips of a video from 1"):
        read("cmu_mosi", tmp_path)


@pytest.mark.parametrize("name", ["cmu_mosi", "cmu_mosei"])
def test_another_header_is_refused(name: str, tmp_path: Path) -> None:
    for file in ("label.csv", "Data_Train_modified.csv"):
        _write(tmp_path, file, "id,score\n1,2\n")
    with pytest.raises(ArchiveError, match=r"Expected the columns video.*found id, score"):
        read(name, tmp_path)
