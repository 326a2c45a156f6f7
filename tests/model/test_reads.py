"""Reads: which pairs in which order, and windows cut out of the waves cache."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from pengi_model.config import TINY
from pengi_model.mel import LogMel
from pengi_model.reads import Reads, texts
from pengi_model.sounds import Sounds
from pengi_model.waves import ReadsError, Waves
from training_world import RATE, build


def nothing(done: int, total: int) -> None:
    """Show nothing."""


def test_splits_and_templates_filter(tmp_path: Path):
    spec = build(tmp_path)
    reads = Reads(spec)
    assert reads.pair_ids(reads.rows) == [f"{number + 100:032x}" for number in range(5)]
    assert reads.outputs == ["low tone", "high tone"]
    assert reads.output_of(reads.rows).tolist() == [0, 1, 0, 1, 0]
    given = "this is a sound of"
    assert texts(spec) == {
        "sound_event_classification": [(given, "high tone"), (given, "low tone")]
    }
    with pytest.raises(ReadsError, match="no pair to train on"):
        Reads(spec, {"audio_qa": 1})
    twice = Reads(spec, {"sound_event_classification": 2})
    ids = reads.pair_ids(reads.rows)
    assert twice.pair_ids(twice.rows) == [pair for pair in ids for _ in range(2)]


def test_pairs_sha256_is_of_the_ids_one_a_line(tmp_path: Path):
    reads = Reads(build(tmp_path))
    text = "\n".join(reads.pair_ids(reads.rows)) + "\n"
    assert reads.pairs_sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_windows_are_tiled_or_cut(tmp_path: Path):
    spec = build(tmp_path)
    waves = Waves([Path(spec["waves"][0])])
    raw = np.fromfile(Path(spec["waves"][0]) / "samples.int16", dtype="<i2") / 32768
    short = waves.window(f"{0:032x}", 2 * RATE)  # a clip of 1 s
    assert np.array_equal(short, np.tile(raw[:RATE], 2).astype(np.float32))
    for draw, start in ((0.0, 3.0), (0.25, 3.25), (0.5, 3.5)):
        at = round(start * RATE)  # the third clip: 3 s, behind 1 s and 2 s
        found = waves.window(f"{2:032x}", 2 * RATE, draw)
        assert np.array_equal(found, raw[at : at + 2 * RATE].astype(np.float32))


def test_missing_clips_are_named(tmp_path: Path):
    spec, other = build(tmp_path / "one"), build(tmp_path / "two", clips=2)
    with pytest.raises(ReadsError, match="3 clips of the pairs are in no waves cache"):
        Reads({**spec, "waves": other["waves"]})
    with pytest.raises(ReadsError, match=r"index\.parquet"):
        Reads({**spec, "waves": [str(tmp_path)]})


def test_kept_mels_equal_those_of_the_waves(tmp_path: Path):
    reads = Reads(build(tmp_path))
    kept, fresh = (
        Sounds(reads.waves, LogMel(TINY.mel), TINY.samples, keep, nothing) for keep in (1, 0)
    )
    for sounds in (kept, fresh):
        sounds.standardise()
    clips = np.arange(5)
    inside = slice(4, -4)  # the last frames of a window see what follows in a longer clip
    one, two = (sounds.mels(sounds.read(clips, np.zeros(5))) for sounds in (kept, fresh))
    assert one.shape == (5, 1, 256, 64)
    assert one[:, :, inside] == pytest.approx(two[:, :, inside], abs=1e-3)
    assert abs(float(kept.mels(kept.read(clips)).mean())) < 0.2
