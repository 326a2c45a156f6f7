"""Reading and windowing of audio, against what was written into the files."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from pengi_model.audio import AudioError, cut, read, windows
from pengi_model.config import TINY, WRAPPER, ModelConfig

DATA = Path(__file__).parents[3] / "shared" / "data"
REAL, BROKEN = DATA / "ESC-10", DATA / "robustness-audio"


def config(samples: int, **changes: str) -> ModelConfig:
    return replace(TINY, window_seconds=samples / 44_100, **changes)  # type: ignore[arg-type]


def test_short_clips_repeat_and_long_ones_keep_their_centre() -> None:
    ramp = torch.arange(10.0)
    assert cut(ramp[:3], config(8))[0].tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert cut(ramp, config(10))[0].tolist() == ramp.tolist()
    assert cut(ramp, config(4))[0].tolist() == [3, 4, 5, 6]


def test_random_crop_never_takes_the_last_start() -> None:
    random.seed(3)
    cropped = config(8, crop="random")
    starts = {int(cut(torch.arange(11.0), cropped)[0, 0]) for _ in range(200)}
    assert starts == {0, 1, 2}  # 3 is possible and, as released, never taken


@given(st.integers(1, 200), st.integers(1, 50))
def test_windows_of_the_whole_clip_hold_every_sample(count: int, size: int) -> None:
    found = cut(torch.arange(count, dtype=torch.float32), config(size, crop="windows"))
    assert found.shape == (-(-count // size), size)  # as few as can hold them
    assert set(range(count)) == {int(sample) for sample in found.flatten()}
    starts = found[:, 0].diff()
    assert len(found) == 1 or starts.max() - starts.min() <= 1


@given(st.integers(1, 50), st.integers(1, 50))
def test_a_window_has_its_size_and_only_samples_of_the_clip(count: int, size: int) -> None:
    (found,) = cut(torch.arange(count, dtype=torch.float32), config(size))
    assert len(found) == size
    steps = found.diff()
    assert bool(((steps == 1) | (steps == 1 - count)).all())


def test_channels_are_averaged_or_appended(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.array([[0.5, -0.25], [0.25, 0.75]]), 44_100, subtype="FLOAT")
    assert read(path, TINY).tolist() == [0.125, 0.5]
    assert read(path, WRAPPER).tolist() == [0.5, 0.25, -0.25, 0.75]


def test_other_rates_are_resampled(tmp_path: Path) -> None:
    path = tmp_path / "tone.flac"
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    soundfile.write(path, tone, 16_000)
    found = read(path, TINY).numpy()
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(44_100) / 44_100)
    assert len(found) == 44_100
    np.testing.assert_allclose(found[500:-500], expected[500:-500], atol=2e-3)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL} is not there")
def test_paths_and_samples_give_the_same_windows() -> None:
    paths = sorted(REAL.rglob("*.ogg"))[:2]
    samples = [soundfile.read(path, dtype="float32")[0][:200_000] for path in paths]
    of_samples = windows(torch.from_numpy(np.stack(samples)), config(200_000))
    assert torch.equal(torch.cat(of_samples), torch.from_numpy(np.stack(samples)))
    assert torch.cat(windows(paths, TINY)).shape == (2, TINY.samples)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ("one.wav", "expected a list of paths"),
        ([], "expected at least one clip"),
        (["absent.wav"], "absent.wav: expected an audio file, found none"),
        (torch.zeros(5), r"expected a float tensor \(clips, samples\)"),
        (torch.zeros(1, 5, dtype=torch.int16), "Scale integers"),
        (torch.zeros(1, 0), "0 samples"),
        (torch.full((1, 5), torch.nan), "not finite"),
    ],
)
def test_refused_audio(audio: object, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        windows(audio, TINY)  # type: ignore[arg-type]


def test_a_file_that_is_no_audio(tmp_path: Path) -> None:
    path = tmp_path / "text.wav"
    path.write_text("not a sound")
    with pytest.raises(AudioError, match=r"text\.wav: expected an audio file that"):
        read(path, TINY)


@pytest.mark.skipif(not BROKEN.is_dir(), reason=f"{BROKEN} is not there")
def test_odd_and_broken_files_are_read_as_ffmpeg_does_or_refused() -> None:
    lines = (BROKEN / "MANIFEST.tsv").read_text().splitlines()
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    for row in rows:
        path, seconds = BROKEN / row["path"], row["ffmpeg_mono_44k1_seconds"]
        try:
            found = len(read(path, TINY)) / 44_100
        except AudioError as error:
            assert path.name in str(error)
            continue
        if row["soundfile"] != "ok" and row["ffmpeg"] == "ok":  # the FFmpeg way in
            assert found == pytest.approx(float(seconds), abs=0.15), row["path"]
