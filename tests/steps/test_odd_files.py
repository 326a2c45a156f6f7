"""117 odd and damaged files, each with the outcome it must have, and against ffmpeg.

`odd_files.tsv`: the number of samples at 44.1 kHz, or the code of the rejection.
"""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.steps.encode import Encoded, Fault
from flows.steps.workers import Job, encoded
from likeness import by_ffmpeg, likeness, system_ffmpeg

HERE = Path(__file__).parent
LOUD = 1000  # of 32768: a peak from which rounding to int16 no longer counts

# what ffmpeg 5.1 gives otherwise, and why; samples ours is longer
OTHERWISE = {
    "audiomentations/ms_adpcm.wav": -1537,  # ffmpeg fills the last block
    "flac-test-files/01 - wrong max blocksize.flac": 180_633,  # ffmpeg gives up
    "flac-test-files/03 - wrong bit depth.flac": 165_197,  # ffmpeg gives up
    "scipy/test-44100Hz-be-1ch-4bytes.wav": 4410,  # RIFX, which ffmpeg does not know
    "tinytag/cut_off_titles.mp3": -1152,  # ffmpeg plays a damaged frame
    "tinytag/data_after_eos.ogg": 128,  # ffmpeg drops the first short block
    "tinytag/id3v22-test.mp3": -1152,  # a damaged frame
    "tinytag/test.ogg": 128,  # the first short block
    "tinytag/vbri.mp3": -1506,  # a damaged frame, and the encoder's delay
}
LATE = {"tinytag/vbri.mp3": 1152}
MANY_CHANNELS = {  # ffmpeg weighs them, we take the mean
    "flac-test-files/02 - increasing number of channels.flac",
    "lhotse/real_8ch.wav",
}
# ffmpeg says it decodes them, and we refuse: it gives less than 1024 samples but for these
REFUSED = {
    "flac-test-files/04 - changing bitdepth.flac": 139_264,  # of 495,232, at a wrong loudness
    "tinytag/variable-block.flac": 39_936,  # and an error
}


def read(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {line["file"]: line["outcome"] for line in table}


EXPECTED = read(HERE / "odd_files.tsv")


@pytest.fixture(scope="module")
def outcomes(shared_data: Path) -> dict[str, Encoded | Fault]:
    folder = shared_data / "robustness-audio"
    jobs = (Job((folder / name).read_bytes(), name, tag=name) for name in EXPECTED)
    return {name: outcome for name, (outcome,) in encoded(jobs)}


def test_every_odd_file_has_the_outcome_written_down(
    outcomes: dict[str, Encoded | Fault], shared_data: Path
):
    folder = shared_data / "robustness-audio"
    manifest = (folder / "MANIFEST.tsv").read_text().splitlines()[1:]
    assert {line.split("\t")[0] for line in manifest} == set(EXPECTED)
    found = {
        name: outcome.code if isinstance(outcome, Fault) else str(outcome.samples)
        for name, outcome in outcomes.items()
    }
    assert found == EXPECTED
    for outcome in outcomes.values():
        if isinstance(outcome, Fault):
            assert outcome.detail and "0x" not in outcome.detail, "an address changes every time"


def test_what_is_accepted_is_what_ffmpeg_decodes(
    outcomes: dict[str, Encoded | Fault], shared_data: Path
):
    program, compared = system_ffmpeg(), 0
    for name, outcome in outcomes.items():
        path = shared_data / "robustness-audio" / name
        theirs = by_ffmpeg(path, program, floats=True)
        if isinstance(outcome, Fault):
            assert theirs.size < 1024 or theirs.size == REFUSED[name], name
            continue
        ours = _samples(outcome)
        surplus = OTHERWISE.get(name, 0)
        assert abs(ours.size - theirs.size - surplus) <= 1, (name, ours.size, theirs.size)
        if theirs.size < 1024 or surplus > 1152:
            continue
        peak, ours_peak = (int(np.abs(samples.astype(int)).max()) for samples in (theirs, ours))
        assert peak / 2 - 3 <= ours_peak <= 2 * peak + 3, name
        if peak >= LOUD:
            found = likeness(ours, theirs, outcome.source_rate)
            loose = name in MANY_CHANNELS
            assert abs(found.gain - 1) <= (0.01 if loose else 0.001), (name, found)
            assert found.correlation > (0.99 if loose else 0.9999), (name, found)
            assert abs(found.late - LATE.get(name, 0)) <= 2, (name, found)
            compared += 1
    assert compared >= 35


def _samples(outcome: Encoded) -> np.ndarray:
    return soundfile.read(io.BytesIO(outcome.flac), dtype="int16")[0]
