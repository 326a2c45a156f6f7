"""Pieces of a longer recording, and clips that could not be fetched."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.steps import audio, wanted
from flows.steps.audio import make_audio
from flows.steps.lake import Lake
from flows.steps.waves import read_clip
from flows.steps.workers import Job, encoded
from test_audio import digests, folder_tree, rows_of, samples_of, sound


def made(lake: Lake, version: str) -> tuple[dict[str, dict], dict[str, tuple[str, str]]]:
    clips = pq.read_table(lake.clips("d", version)).to_pylist()
    rejected = pq.read_table(lake.rejected("d", "audio", version)).to_pylist()
    return (
        {clip["name"]: clip for clip in clips},
        {line["subject"]: (line["reason"], line["detail"]) for line in rejected},
    )


def test_pieces_are_cut_at_samples_and_reconcile(lake: Lake, tmp_path: Path):
    files = {"a.wav": sound(1, 3.0), "b.wav": sound(2, 3.0), "unused.wav": sound(3)}
    raw = folder_tree(tmp_path / "raw", files)
    pieces = {
        "a.wav#t=0.5,1.25": (22_050, 55_125),
        "a.wav#t=0,1": (0, 44_100),
        "a.wav#t=0.0,1": (0, 44_100),
        "a.wav#t=2.5,9": (110_250, 132_300),  # ends with the recording
        "a.wav#t=1e-05,1.5": (0, 66_150),
        "b.wav#t=0.00001,1": (0, 44_100),
        "b.wav": (0, 132_300),
    }
    wrong = {
        "a.wav#t=3,4": ("beyond_end", "starts at 3.0 s; the recording has 3.000 s"),
        "a.wav#t=1,1.01": (
            "too_short",
            "441 samples from 1.0 s to 1.01 s of 3.000 s, expected 1024 or more",
        ),
        "a.wav#t=2,1": ("bad_piece", "from 2.0 s to 1.0 s"),
        "a.wav#t=,1": ("missing_clip", "a row names it, no archive holds it"),
        "gone.wav#t=0,1": ("missing_clip", "a row names it, no archive holds it"),
    }
    version = make_audio(lake, "d", rows_of([*wrong, *pieces]), raw, licence="MIT")
    clips, rejected = made(lake, version)
    assert set(clips) == set(pieces)
    for name, (first, after) in pieces.items():
        whole = samples_of(files[name.partition("#")[0]])
        assert np.array_equal(read_clip(lake, clips[name]), whole[first:after]), name
    assert len({clip["clip_id"] for clip in clips.values()}) == len(pieces)
    assert len({clip["source_sha256"] for clip in clips.values()}) == 2
    unreferenced = {"unused.wav": ("unreferenced", "an archive holds it, no row names it")}
    assert rejected == wrong | unreferenced


def test_a_recording_is_decoded_once_for_all_its_pieces(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(audio, "_SHARD", 4)
    raw = folder_tree(tmp_path / "raw", {f"{n}.wav": sound(n, 6.0) for n in range(3)})
    names = [f"{n}.wav#t={start / 2},{start / 2 + 0.5}" for start in range(9) for n in range(3)]
    seen: list[tuple[str, int]] = []

    def counted(jobs):  # type: ignore[no-untyped-def]
        def pass_on():
            for job in jobs:
                seen.append((job.name, len(job.cuts)))
                yield job

        return encoded(pass_on())

    monkeypatch.setattr(audio, "encoded", counted)
    version = make_audio(lake, "d", rows_of(names), raw, licence="MIT")
    assert seen == [("0.wav", 9), ("1.wav", 9), ("2.wav", 9)]
    folder = lake.audio("d", version)
    assert len(list(folder.glob("*.tar"))) == 3, "a member's pieces lie in one shard"
    before = digests(folder)
    (folder / "clips.parquet").unlink()
    (folder / "shard-00001.parquet").unlink()
    assert make_audio(lake, "d", rows_of(names), raw, licence="MIT") == version
    assert seen[3:] == [("1.wav", 9)]
    assert digests(folder) == before


def test_a_member_whose_own_name_has_a_fragment_is_left_alone(lake: Lake, tmp_path: Path):
    files = {"a.wav": sound(1, 3.0), "a.wav#t=1,2": sound(2, 0.5)}
    raw = folder_tree(tmp_path / "raw", files)
    names = ["a.wav#t=1,2", "a.wav#t=1,3", "a.wav#t=1,2#t=0,0.25"]
    version = make_audio(lake, "d", rows_of(names), raw, licence="MIT")
    clips, rejected = made(lake, version)
    own, other = samples_of(files["a.wav#t=1,2"]), samples_of(files["a.wav"])
    assert np.array_equal(read_clip(lake, clips["a.wav#t=1,2"]), own)
    assert np.array_equal(read_clip(lake, clips["a.wav#t=1,3"]), other[44_100:])
    assert np.array_equal(read_clip(lake, clips["a.wav#t=1,2#t=0,0.25"]), own[:11_025])
    assert not rejected


def test_a_clip_that_could_not_be_fetched_says_why(lake: Lake, tmp_path: Path):
    raw = folder_tree(tmp_path / "raw", {"here.wav": sound(1)})
    absent = {"gone.wav": "gone: HTTP 404", "video.mp4": "private video", "here.wav": "stale"}
    names = ["here.wav", "gone.wav", "video.mp4#t=1,2", "unknown.wav"]
    version = make_audio(lake, "d", rows_of(names), raw, licence="MIT", absent=absent)
    clips, rejected = made(lake, version)
    assert set(clips) == {"here.wav"}
    assert rejected == {
        "gone.wav": ("not_fetched", "gone: HTTP 404"),
        "video.mp4#t=1,2": ("not_fetched", "private video"),
        "unknown.wav": ("missing_clip", "a row names it, no archive holds it"),
    }


def test_a_damaged_recording_costs_every_piece_of_it():
    cuts = [None, (0.0, 1.0), (1.0, 2.0)]
    ((_, outcomes),) = encoded([Job(b"no sound", "a.wav", cuts)])
    assert [outcome.code for outcome in outcomes] == ["undecodable"] * 3  # type: ignore[union-attr]


def test_an_hour_in_pieces_is_decoded_once():
    rate = 8000
    samples = np.random.default_rng(0).integers(-9000, 9000, 3600 * rate, np.int16)
    header = b"RIFF" + (36 + samples.nbytes).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\1\0\1\0"
    header += rate.to_bytes(4, "little") + (2 * rate).to_bytes(4, "little") + b"\2\0\x10\0data"
    data = header + samples.nbytes.to_bytes(4, "little") + samples.tobytes()
    cuts = [(float(start), start + 5.0) for start in range(0, 3600, 40)]
    ((_, outcomes),) = encoded([Job(data, "hour.wav", cuts)])
    assert [outcome.samples for outcome in outcomes] == [220_500] * 90  # type: ignore[union-attr]


def test_two_names_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wanted, "hash", lambda name: 7, raising=False)
    names = wanted.Names(pa.array(["aa", "bb", "c", "dd"]))
    assert names.places(pa.array(["dd", "aa", "ee", "c", None])).tolist() == [3, 0, -1, 2, -1]
    assert "bb" in names and "ee" not in names
