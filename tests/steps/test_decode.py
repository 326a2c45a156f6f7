"""Decoded samples against ffmpeg's own decoders, on real clips; odd and damaged files by name."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flows.steps import decode as decoding
from flows.steps import mono
from flows.steps.decode import DecodeError, decode
from likeness import by_ffmpeg


def wav(samples: NDArray[np.generic], rate: int = 44_100, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def difference(ours: NDArray[np.int16], theirs: NDArray[np.int16]) -> tuple[int, float]:
    """Largest difference in steps of 1/32768, and signal to difference in dB."""
    assert abs(ours.size - theirs.size) <= 1
    length = min(ours.size, theirs.size)
    error = ours[:length].astype(float) - theirs[:length]
    power = float((theirs[:length].astype(float) ** 2).sum())
    return int(np.abs(error).max()), 10 * np.log10(power / max(float((error**2).sum()), 1e-9))


def test_real_ogg_clips_are_what_ffmpeg_decodes(shared_data: Path):
    for path in sorted((shared_data / "ESC-10").glob("*/*.ogg"))[::30]:
        decoded = decode(path.read_bytes(), path.name)
        assert (decoded.rate, decoded.channels, decoded.format) == (44_100, 1, "OGG/VORBIS")
        assert difference(decoded.samples, by_ffmpeg(path))[0] <= 1  # two Vorbis decoders


def test_real_wav_clips_at_44_1_khz_keep_every_sample(shared_data: Path):
    for path in sorted((shared_data / "Clotho" / "evaluation").glob("*.wav")):
        assert np.array_equal(decode(path.read_bytes(), path.name).samples, by_ffmpeg(path))


@pytest.mark.parametrize(
    ("name", "channels", "reader", "steps", "decibels"),
    [
        ("audiomentations/testing.m4a", 1, "pyav", 0, 90),
        ("pydub/format_test.m4a", 1, "pyav", 0, 90),
        ("pydub/test5.webm", 2, "pyav", 2, 80),  # Opus, 48 kHz
        ("pydub/test2.mp3", 2, "soundfile", 2, 90),
        ("whisper/jfk.flac", 2, "soundfile", 1, 90),
        ("audiomentations/bus.opus", 1, "pyav", 200, 60),
        ("audiomentations/stereo_24bit.WAV", 2, "soundfile", 200, 50),  # 16 kHz: two resamplers
        ("lhotse/libri-1088-134315-0000.wav", 1, "soundfile", 500, 40),
    ],
)
def test_kinds_of_files_against_ffmpeg(
    shared_data: Path, name: str, channels: int, reader: str, steps: int, decibels: float
):
    path = shared_data / "robustness-audio" / name
    decoded = decode(path.read_bytes(), path.name)
    largest, ratio = difference(decoded.samples, by_ffmpeg(path))
    assert decoded.channels == channels and decoded.decoder.startswith(reader)
    assert largest <= steps and ratio >= decibels


def test_the_ffmpeg_program_is_the_last_resort(shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise ValueError("not this one")

    monkeypatch.setattr(decoding, "_pyav", fail)
    fail.__name__ = "_pyav"
    path = shared_data / "robustness-audio" / "pydub" / "format_test.m4a"
    decoded = decode(path.read_bytes(), path.name)
    assert decoded.decoder.startswith("ffmpeg ")
    assert np.array_equal(decoded.samples, by_ffmpeg(path))


def test_the_downmix_is_the_mean_and_rounds_to_even():
    stereo = np.array([[1, 2], [3, 4], [-32768, -32768], [32767, 32767]] * 512, np.int16)
    decoded = decode(wav(stereo), "x.wav")
    assert decoded.samples[:4].tolist() == [2, 4, -32768, 32767]
    assert (decoded.channels, decoded.downmix) == (2, "mean")


def test_float_samples_beyond_full_scale_are_clipped():
    decoded = decode(wav(np.array([2.0, -2.0, 0.5, 0.0] * 512), subtype="FLOAT"), "x.wav")
    assert decoded.samples[:4].tolist() == [32767, -32768, 16384, 0]


def test_a_tone_keeps_its_pitch_and_loudness_when_resampled():
    time = np.arange(16_000) / 16_000
    decoded = decode(wav(0.5 * np.sin(2 * np.pi * 440 * time), 16_000), "x.wav")
    assert decoded.samples.size == 44_100
    middle = decoded.samples[4410:-4410] / 32_768
    truth = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4410, 39_690) / 44_100)
    assert np.abs(middle - truth).max() < 1e-3


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"RIFF....WAVE", "undecodable"),
        (b"no sound at all" * 100, "undecodable"),
        (wav(np.zeros(0, np.int16)), "no_samples"),
        (wav(np.zeros(1023, np.int16)), "too_short"),
        (wav(np.full(2048, np.nan), subtype="FLOAT"), "non_finite"),
        (wav(np.zeros(2048, np.int16), rate=100), "bad_format"),
    ],
)
def test_a_file_without_usable_sound_is_refused_with_a_code(data: bytes, code: str):
    with pytest.raises(DecodeError) as error:
        decode(data, "x.wav")
    assert error.value.code == code


def test_a_clip_longer_than_an_hour_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mono, "LONGEST", 1)
    with pytest.raises(DecodeError, match="too_long"):
        decode(wav(np.zeros(44_101, np.int16)), "x.wav")


def test_bytes_that_happen_to_look_like_mp3_are_refused():
    chance = np.random.default_rng(1)
    for turn in range(60):  # of these, libsndfile alone takes several for MPEG audio
        count, loudness = int(chance.integers(2000, 60_000)), 10 ** chance.uniform(0, 3)
        headless = chance.normal(0, loudness, count).astype("<i2" if turn % 2 else ">i2")
        with pytest.raises(DecodeError):
            decode(headless.tobytes(), "x.wav")


def test_long_mp3_is_read_without_a_seam():
    noise = np.random.default_rng(0).normal(0, 0.1, 44_100 * 12).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, noise, 44_100, format="MP3")
    at_once = np.rint(soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")[0] * 32_768)
    decoded = decode(file.getvalue(), "x.mp3")
    assert np.abs(decoded.samples - np.clip(at_once, -32_768, 32_767)).max() <= 1


def test_a_flac_cut_short_is_refused_and_not_padded():
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(-9000, 9000, 88_200, np.int16)
    soundfile.write(file, noise, 44_100, format="FLAC")
    with pytest.raises(DecodeError):
        decode(file.getvalue()[: len(file.getvalue()) // 2], "x.flac")


@settings(max_examples=60)
@given(st.data())
def test_flipped_and_cut_bytes_never_crash(data: st.DataObject):
    file = io.BytesIO()
    kind = data.draw(st.sampled_from(["WAV", "FLAC", "OGG", "MP3", "AIFF"]))
    tone = np.sin(np.arange(8000) / 9).astype(np.float32) / 2
    soundfile.write(file, tone, 16_000, format=kind)
    damaged = bytearray(file.getvalue())
    damaged = damaged[: data.draw(st.integers(1, len(damaged)))]
    for _ in range(data.draw(st.integers(0, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode(bytes(damaged), "x").samples.dtype == np.int16
    except DecodeError as error:
        assert error.code and error.detail
