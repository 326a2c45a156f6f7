"""Shards, clips and the waves cache: same bytes again, killed and resumed, in = out + rejected."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
import wave
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from flows.steps import audio
from flows.steps.archives import RawTree, Source
from flows.steps.audio import make_audio
from flows.steps.lake import Lake, LakeError
from flows.steps.waves import make_waves, read_clip
from schemas.tables import CLIPS, REJECTED, ROWS

RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import test_audio
from flows.steps import audio
audio._SHARD = 4
if __name__ == "__main__":
    raw = test_audio.RawTree([test_audio.Source("raw", Path(sys.argv[2]), "0")])
    lake = test_audio.Lake.create(Path(sys.argv[1]))
    audio.make_audio(lake, "d", test_audio.rows_of(raw.names()), raw, licence="CC0-1.0")
"""


def sound(seed: int, seconds: float = 0.5) -> bytes:
    """A wav file written by the standard library: 16 bit noise at 44.1 kHz."""
    noise = np.random.default_rng(seed).integers(-20_000, 20_000, int(44_100 * seconds), "<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 44_100, 0, "NONE", ""))
        out.writeframes(noise.tobytes())
    return file.getvalue()


def samples_of(data: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def rows_of(names: list[str], **facts: object) -> pa.Table:
    rows = [
        {"dataset": "d", "row_id": f"list.csv:{n}", "clip": name, "split": "train"} | facts
        for n, name in enumerate(names)
    ]
    return pa.Table.from_pylist(rows, ROWS)


def folder_tree(folder: Path, files: dict[str, bytes]) -> RawTree:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return RawTree([Source("raw", folder, "0" * 64)])


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != ".lock"
    }


@pytest.fixture
def files() -> dict[str, bytes]:
    return {f"audio/{n:02d}.wav": sound(n) for n in range(10)}


def test_a_shard_is_a_plain_tar_and_offsets_point_at_flac(
    lake: Lake, tmp_path: Path, files: dict[str, bytes]
):
    raw = folder_tree(tmp_path / "raw", files)
    version = make_audio(lake, "d", rows_of(raw.names()), raw, licence="CC0-1.0")
    clips = pq.read_table(lake.clips("d", version))
    assert clips.schema.equals(CLIPS)
    (shard,) = lake.audio("d", version).glob("*.tar")
    with tarfile.open(shard) as tar:
        for clip in clips.to_pylist():
            info = tar.getmember(f"{clip['clip_id']}.flac")
            assert (info.offset_data, info.size) == (clip["offset"], clip["bytes"])
            assert (info.mtime, info.uid, info.gid, info.uname) == (0, 0, 0, "")
            file = soundfile.SoundFile(tar.extractfile(info))  # type: ignore[arg-type]
            assert (file.format, file.subtype) == ("FLAC", "PCM_16")
            assert (file.samplerate, file.channels) == (44_100, 1)
            truth = samples_of(files[clip["name"]])
            assert np.array_equal(file.read(dtype="int16"), truth)
            assert clip["sample_sha256"] == hashlib.sha256(truth.tobytes()).hexdigest()
            source = hashlib.sha256(files[clip["name"]]).hexdigest()
            text = f"d\0{clip['name']}\0{source}".encode()
            assert clip["clip_id"] == hashlib.sha256(text).hexdigest()[:32]
            assert (clip["samples"], clip["seconds"]) == (22_050, 0.5)
    assert clips["licence"].unique().to_pylist() == ["CC0-1.0"]


def test_facts_of_a_clip_come_from_its_first_row(lake: Lake, tmp_path: Path):
    raw = folder_tree(tmp_path / "raw", {"a.wav": sound(1)})
    first = rows_of(["a.wav"], licence="CC-BY-4.0", attribution="A", origin_ids=["freesound:1"])
    rows = pa.concat_tables([first, rows_of(["a.wav"], licence="CC0-1.0", attribution="B")])
    version = make_audio(lake, "d", rows, raw, licence="MIT")
    (clip,) = pq.read_table(lake.clips("d", version)).to_pylist()
    assert (clip["licence"], clip["attribution"]) == ("CC-BY-4.0", "A")
    assert clip["origin_ids"] == ["freesound:1"]


def test_what_is_no_clip_is_rejected_with_its_reason(
    lake: Lake, tmp_path: Path, files: dict[str, bytes]
):
    bad = {"empty.wav": b"", "text.wav": b"not audio", "extra.ogg": b"OggS", "notes.txt": b"x"}
    raw = folder_tree(tmp_path / "raw", files | bad)
    wanted = [*files, "empty.wav", "text.wav", "gone.wav"]
    shown: list[tuple[str, int, int]] = []
    version = make_audio(
        lake, "d", rows_of(wanted), raw, lambda *line: shown.append(line), licence="MIT"
    )
    rejected = pq.read_table(lake.rejected("d", "audio", version))
    assert rejected.schema.equals(REJECTED)
    assert {line["subject"]: line["reason"] for line in rejected.to_pylist()} == {
        "empty.wav": "empty_file",
        "text.wav": "undecodable",
        "gone.wav": "missing_clip",
        "extra.ogg": "unreferenced",
    }
    assert pq.read_table(lake.clips("d", version)).num_rows == 10
    assert shown[-1] == ("audio d", 12, 12)


def test_two_lakes_hold_the_same_bytes_and_a_second_run_does_nothing(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(audio, "_SHARD", 4)
    raw = folder_tree(tmp_path / "raw", files)
    found: list[dict[str, str]] = []
    for name in ("one", "two"):
        lake = Lake.create(tmp_path / name)
        version = make_audio(lake, "d", rows_of(raw.names()), raw, licence="MIT")
        found.append(digests(lake.audio("d", version)) | {"version": version})
    assert found[0] == found[1]
    assert [name for name in found[0] if name.endswith(".tar")] == [
        f"shard-0000{n}.tar" for n in range(3)
    ]
    times = {path: path.stat().st_mtime_ns for path in lake.audio("d", version).iterdir()}
    monkeypatch.setattr(audio, "encoded", None)
    assert make_audio(lake, "d", rows_of(raw.names()), raw, licence="MIT") == version
    assert (
        times.items()
        >= {
            path: path.stat().st_mtime_ns
            for path in lake.audio("d", version).iterdir()
            if path.name != ".lock"
        }.items()
    )


def test_a_missing_shard_alone_is_made_again(
    lake: Lake, tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(audio, "_SHARD", 4)
    raw = folder_tree(tmp_path / "raw", files)
    version = make_audio(lake, "d", rows_of(raw.names()), raw, licence="MIT")
    folder = lake.audio("d", version)
    before = digests(folder)
    for name in ("clips.parquet", "shard-00001.parquet", "shard-00001.tar"):
        (folder / name).unlink()
    kept = (folder / "shard-00000.tar").stat().st_mtime_ns
    shown: list[int] = []
    make_audio(
        lake,
        "d",
        rows_of(raw.names()),
        raw,
        lambda _, done, total: shown.append(total),
        licence="MIT",
    )
    assert digests(folder) == before
    assert set(shown) == {4} and (folder / "shard-00000.tar").stat().st_mtime_ns == kept


@pytest.mark.slow
def test_a_killed_run_goes_on_and_leaves_no_process(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    raw = folder_tree(tmp_path / "raw", {f"{n:03d}.wav": sound(n, 8.0) for n in range(40)})
    killed = tmp_path / "killed"
    script = tmp_path / "run.py"
    script.write_text(RUN)
    arguments = [str(killed), str(tmp_path / "raw"), str(Path(__file__).parent)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, script, *arguments], env=environment)
    while not list(killed.glob("audio/d/*/shard-00001.parquet")):
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.01)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(killed.glob("audio/d/*/clips.parquet"))
    psutil.wait_procs(children, timeout=20)
    assert not [child for child in children if child.is_running() and child.status() != "zombie"]

    monkeypatch.setattr(audio, "_SHARD", 4)
    folders: list[Path] = []
    for place in (Lake.open(killed), lake):
        version = make_audio(place, "d", rows_of(raw.names()), raw, licence="CC0-1.0")
        folders.append(place.audio("d", version))
    assert digests(folders[0]) == digests(folders[1])


def test_the_cache_holds_every_clip_in_the_order_of_the_clips(
    lake: Lake, tmp_path: Path, files: dict[str, bytes]
):
    raw = folder_tree(tmp_path / "raw", files | {"short.wav": sound(99, 0.1)})
    version = make_audio(lake, "d", rows_of(raw.names()), raw, licence="MIT")
    folder = make_waves(lake, "d", version)
    clips = pq.read_table(lake.clips("d", version)).to_pylist()
    samples = np.memmap(folder / "samples.int16", "<i2", "r")
    index = pq.read_table(folder / "index.parquet").to_pylist()
    assert [line["clip_id"] for line in index] == [clip["clip_id"] for clip in clips]
    for line, clip in zip(index, clips, strict=True):
        cached = samples[line["start"] : line["start"] + line["length"]]
        assert np.array_equal(cached, samples_of(raw.open(clip["name"]).read()))
        assert np.array_equal(cached, read_clip(lake, clip))
    assert samples.size == sum(line["length"] for line in index)
    touched = (folder / "samples.int16").stat().st_mtime_ns
    assert make_waves(lake, "d", version) == folder
    assert (folder / "samples.int16").stat().st_mtime_ns == touched


def test_a_changed_shard_is_an_error_and_no_cache(
    lake: Lake, tmp_path: Path, files: dict[str, bytes]
):
    raw = folder_tree(tmp_path / "raw", files)
    version = make_audio(lake, "d", rows_of(raw.names()), raw, licence="MIT")
    shard = lake.audio("d", version) / "shard-00000.tar"
    data = bytearray(shard.read_bytes())
    data[20_000] ^= 0xFF
    shard.write_bytes(data)
    with pytest.raises(
        LakeError, match=r"shard-00000\.tar: clip .* is not what clips\.parquet says"
    ):
        make_waves(lake, "d", version)
    assert not (lake.waves("d", version) / "index.parquet").exists()


def test_real_clips_from_archive_to_cache(lake: Lake, shared_data: Path):
    raw = RawTree([Source("raw", shared_data / "ESC-10", "0" * 64)])
    names = raw.names("009 - Rooster/*.ogg")
    version = make_audio(lake, "d", rows_of(names), raw, licence="CC-BY-NC-3.0")
    clips = pq.read_table(lake.clips("d", version))
    assert clips.num_rows == 24
    assert clips["seconds"].to_numpy() == pytest.approx(5.0, abs=0.1)
    rejected = pq.read_table(lake.rejected("d", "audio", version))
    assert rejected["reason"].to_pylist() == ["unreferenced"] * 216
    folder = make_waves(lake, "d", version)
    assert (folder / "samples.int16").stat().st_size == 2 * sum(clips["samples"].to_pylist())
