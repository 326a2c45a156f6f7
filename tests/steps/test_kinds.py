"""The twelve kinds of sound files against ffmpeg, and what becomes of a file that is cut short."""

from pathlib import Path

import pytest

from flows.steps.decode import DecodeError, decode
from likeness import by_ffmpeg, likeness, system_ffmpeg
from tests.bench.audio_kinds import KINDS

# samples that ours may be longer or shorter: one frame of the codec; what is read as it is, 1
FRAME = {".m4a": 1024, ".webm": 960, ".mp3": 1152}


@pytest.fixture(scope="module")
def sounds() -> dict[str, bytes]:
    return {name: kind.file(1) for name, kind in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_sounds_as_ffmpeg_makes_it(name: str, sounds: dict[str, bytes], tmp_path: Path):
    kind = KINDS[name]
    path = tmp_path / f"sound{kind.suffix}"
    path.write_bytes(sounds[name])
    theirs = by_ffmpeg(path, system_ffmpeg())
    decoded = decode(sounds[name], path.name)
    found = likeness(decoded.samples, theirs, kind.rate)
    assert abs(decoded.samples.size - theirs.size) <= FRAME.get(kind.suffix, 1)
    assert abs(found.gain - 1) <= 0.001
    assert found.correlation > 0.99999
    assert found.late == 0
    assert (decoded.rate, decoded.channels) == (kind.rate, kind.channels)


READS_TO_THE_END = {".mp3", ".ogg"}  # no count of samples in the header


@pytest.mark.parametrize("name", KINDS)
def test_half_a_file_is_refused_where_its_header_counts_the_samples(
    name: str, sounds: dict[str, bytes]
):
    half = sounds[name][: len(sounds[name]) // 2]
    if KINDS[name].suffix in READS_TO_THE_END:
        whole = decode(sounds[name], name).samples.size
        assert decode(half, name).samples.size == pytest.approx(whole / 2, rel=0.2)
    else:
        with pytest.raises(DecodeError) as error:
            decode(half, name)
        assert error.value.code in ("truncated", "undecodable")


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.suffix == ".wav"])
def test_a_wav_may_lack_a_hundredth_and_no_more(name: str, sounds: dict[str, bytes]):
    data = sounds[name]
    whole = decode(data, name).samples.size
    kept = decode(data[: int(len(data) * 0.995)], name).samples.size
    assert whole * 0.99 < kept < whole
    with pytest.raises(DecodeError, match="truncated"):
        decode(data[: int(len(data) * 0.98)], name)
