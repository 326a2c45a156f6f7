"""Segments of videos are found in a copy whatever its file names look like."""

import pytest

from schemas.youtube import Copy, Segment


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("Y--aE2O5G5WE.wav", True),
        ("eval/deep/--aE2O5G5WE.WAV", True),
        ("--aE2O5G5WE_30.flac", True),
        ("--aE2O5G5WE_30.000.flac", True),
        ("audio/Y--aE2O5G5WE_30.000_40.000.flac", True),
        ("--aE2O5G5WE_30000_40000.opus", True),
        ("--aE2O5G5WE_40.000.flac", False),
        ("--aE2O5G5WE.json", False),
        ("._--aE2O5G5WE.wav", False),
        ("-aE2O5G5WE.wav", False),
        ("X--aE2O5G5WE.wav", False),
    ],
)
def test_a_copy_is_known_by_id_and_start(file: str, found: bool) -> None:
    wanted = Segment("--aE2O5G5WE", 30.0, 40.0)
    clip = Copy(["eval_segments.csv", file]).clip(wanted)
    assert clip == (file if found else "clips/--aE2O5G5WE_30.000_40.000.m4a")


def test_ids_may_look_like_anything() -> None:
    odd = ("Y0123456789", "_0_1_2_3_4_", "-----------", "abcdefghi_3", "Yabcdefghi_")
    for video in odd:
        for name in (f"a/{video}.wav", f"a/Y{video}.wav", f"a/{video}_3.000_13.000.wav"):
            assert Copy([name]).clip(Segment(video, 3.0, 13.0)) == name
