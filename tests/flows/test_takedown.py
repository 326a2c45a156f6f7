"""Takedowns and releases of some licences: what goes, what stays, and that it stays away."""

import io
import json
import sys
import tarfile
from pathlib import Path
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audited import RUN, Audited, audited
from flows import cli, datasets
from flows.ingest import ingest
from flows.steps.allowed import PatternError, is_allowed, only_allowed, patterns
from flows.steps.lake import Lake, LakeError
from flows.steps.release import ingested, make_release, read_release, training_pairs, verify
from flows.steps.release_diff import diff
from flows.steps.tombstones import tombstones
from flows.steps.waves import read_clip
from flows.takedown import take_down, touched
from flows.trace import UnknownId
from schemas import RequestError


@pytest.fixture
def own(tmp_path: Path) -> Audited:
    return audited(tmp_path)


def names_in(lake: Lake, release_id: str = "HEAD") -> set[str]:
    """Names of all clips of a release's shards, read out of the shards themselves."""
    found: set[str] = set()
    for part in read_release(lake, release_id).parts:
        clips = pq.read_table(lake.root / part.clips.path).to_pylist()
        by_id = {clip["clip_id"]: clip for clip in clips}
        for shard in part.shards:
            with tarfile.open(lake.root / shard.path) as tar:
                for member in tar:
                    clip = by_id.pop(member.name.removesuffix(".flac"))
                    flac = tar.extractfile(member)
                    assert flac is not None
                    samples, _ = soundfile.read(io.BytesIO(flac.read()), dtype="int16")
                    assert (samples == read_clip(lake, clip)).all()
                    found.add(clip["name"])
        assert not by_id
    return found


def clip_id(own: Audited, name: str) -> str:
    for stop in own.stops:
        for clip in pq.read_table(own.lake.clips(stop.dataset, stop.audio)).to_pylist():
            if clip["name"] == name:
                return clip["clip_id"]
    raise AssertionError(name)


def test_a_dry_run_says_what_it_touches_and_changes_nothing(own: Audited) -> None:
    before = {path: path.stat().st_mtime_ns for path in own.lake.root.rglob("releases/*")}
    found = touched(own.lake, clip_id(own, "kettle.wav"))
    assert {clip["name"] for clip in found["clips"]} == {"kettle.wav", "steam.wav"}  # one sound
    assert len(found["pairs"]) == 4 and found["releases"] == [own.release.release_id]
    assert found["answers"] == 1
    (run,) = found["runs"]
    assert run["run_id"] == RUN and run["steps_that_read_it"] > 0
    assert {path: path.stat().st_mtime_ns for path in own.lake.root.rglob("releases/*")} == before
    assert tombstones(own.lake) == []


def test_a_takedown_makes_a_release_without_the_sound(own: Audited) -> None:
    first = own.release.release_id
    assert names_in(own.lake) >= {"kettle.wav", "steam.wav"}
    found, release = take_down(own.lake, clip_id(own, "kettle.wav"), "its author asked")
    assert release is not None and own.lake.head() == release.release_id != first
    assert names_in(own.lake) == {"tap.wav", "pan.wav", "clock.wav", "bird.wav"}
    assert names_in(own.lake, first) >= {"kettle.wav"}  # a release never changes
    assert verify(own.lake, "HEAD") == verify(own.lake, first) == []
    outputs = training_pairs(own.lake, release.parts)["output"].to_pylist()
    assert len(outputs) == 6 and not {"a kettle boils", "kettle", "steam"} & set(outputs)
    for part, old in zip(release.parts, own.release.parts, strict=True):
        counts = sum(part.pair_counts.values()), sum(old.pair_counts.values())
        assert counts[0] + part.left_out["taken_down"] == counts[1]
        assert part.rejected == old.rejected + 3  # two pairs and the clip
    stop = ingested(own.lake, release)["garden"]
    (line,) = [
        line
        for line in pq.read_table(own.lake.rejected("garden", "audio", stop.audio)).to_pylist()
        if line["subject"] == "steam.wav"
    ]
    assert line["reason"] == "taken_down"
    assert line["detail"].startswith("taken down: its author asked")
    changes = diff(own.lake, first, release.release_id)["changes"]
    assert {(line["change"], line["reason"]) for line in changes} == {("lost", "takedown")}
    assert sum(line["pairs"] for line in changes) == 4
    assert own.lake.root.joinpath(found["tombstone"]).is_file()


def test_later_ingestions_and_releases_honour_it(own: Audited) -> None:
    _, release = take_down(own.lake, "freesound:8", "asked")
    assert release is not None
    file = datasets.load(str(own.copies["kitchen"].with_suffix(".py")))
    again = ingest(own.lake, file, own.copies["kitchen"])
    assert again == ingested(own.lake, release)["kitchen"]
    sounds = own.copies["kitchen"]
    (sounds / "captions.csv").write_text(  # the same sound, by another name and origin
        (sounds / "captions.csv").read_text() + "drip.wav,train,A drip,drip,,Bob,freesound:99\n"
    )
    (sounds / "drip.wav").write_bytes((sounds / "tap.wav").read_bytes())
    later = ingest(own.lake, file, sounds, refresh=True)
    clips = pq.read_table(own.lake.clips("kitchen", later.audio))["name"].to_pylist()
    assert not {"tap.wav", "drip.wav"} & set(clips) and "clock.wav" in clips
    assert take_down(own.lake, "freesound:8", "again")[1] == release  # nothing is left to go
    (stone,) = tombstones(own.lake)
    assert stone.reason == "asked"


def test_a_damaged_tombstone_stops_the_next_ingestion(own: Audited) -> None:
    found, _ = take_down(own.lake, "freesound:8", "asked")
    (own.lake.root / found["tombstone"]).write_text("{}")
    file = datasets.load(str(own.copies["kitchen"].with_suffix(".py")))
    with pytest.raises(LakeError, match="must stay down"):
        ingest(own.lake, file, own.copies["kitchen"])


def test_what_cannot_be_taken_down_is_refused(own: Audited) -> None:
    for id in ("freesound:12345", "0" * 32, "kettle.wav", "' or true --", "\x1b:7"):
        with pytest.raises(UnknownId):
            touched(own.lake, id)
    with pytest.raises(RequestError, match="--reason"):
        take_down(own.lake, "freesound:8", " ")
    assert tombstones(own.lake) == [] and own.lake.head() == own.release.release_id


def test_a_release_of_some_licences_counts_what_it_leaves_out(own: Audited) -> None:
    allowed = patterns("CC0-1.0, CC-BY-4*")
    stops = [only_allowed(own.lake, stop, allowed) for stop in own.stops]
    train = {part.dataset: part.train for part in own.release.parts}
    release = make_release(own.lake, stops, train, {}, licences=allowed)
    assert release.licences == ("CC-BY-4*", "CC0-1.0")
    kitchen = next(part for part in release.parts if part.dataset == "kitchen")
    assert (sum(kitchen.pair_counts.values()), kitchen.left_out) == (4, {"licence_not_allowed": 2})
    assert release.pairs == own.release.pairs - 2
    assert verify(own.lake, release.release_id) == []
    (line,) = diff(own.lake, own.release.release_id, release.release_id, 1)["pairs"]
    assert line["reason"] == "licence"
    assert only_allowed(own.lake, own.stops[1], allowed) == own.stops[1]


def test_licences_are_matched_as_spdx_says() -> None:
    assert is_allowed("CC-BY-4.0", ("CC-BY-*",)) and is_allowed("cc0-1.0", ("CC0-1.0",))
    assert not is_allowed("CC-BY-NC-3.0", ("CC-BY-3.0", "CC-BY-4.0"))
    assert is_allowed("MIT OR GPL-2.0-only", ("MIT",))
    assert not is_allowed("MIT AND GPL-2.0-only", ("MIT",))
    assert is_allowed("MIT AND (CC0-1.0 OR GPL-2.0-only)", ("MIT", "CC0-*"))
    assert not any(is_allowed(text, ("*",)) for text in (None, "", "all rights reserved", "(MIT"))
    for text in ("", "CC BY", "CC0-1.0,,MIT", "'; --"):
        with pytest.raises(PatternError):
            patterns(text)


def test_the_command_takes_down_and_prints_json(
    own: Audited, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--lake", str(own.lake.root)]
    given = ["pengi", "takedown", "freesound:8", "--reason", "asked", "--json", *where]
    with patch.object(sys, "argv", given), pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["release"] == own.lake.head() != own.release.release_id
    with patch.object(sys, "argv", [*given[:3], "--dry-run", *where]), pytest.raises(SystemExit):
        cli.main()
    assert "nothing was changed" in capsys.readouterr().out


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, list[Path]]:
    world = audited(tmp_path_factory.mktemp("sealed"))
    lake = world.lake
    files = [f for p in world.release.parts for f in (p.rows, p.clips, p.pairs, *p.shards)]
    manifest = lake.release(world.release.release_id)
    return lake, [*(lake.root / file.path for file in files), manifest]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(which=st.integers(0, 8), share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_release_is_found_and_its_file_named(
    sealed: tuple[Lake, list[Path]], which: int, share: float, bit: int
) -> None:
    lake, files = sealed
    path = files[which % len(files)]
    before = path.read_bytes()
    changed = bytearray(before)
    changed[int(share * len(before))] ^= 1 << bit
    try:
        path.write_bytes(changed)
        assert any(line.startswith(lake.relative(path)) for line in verify(lake, _only(lake)))
    finally:
        path.write_bytes(before)
    assert verify(lake, _only(lake)) == []


def _only(lake: Lake) -> str:
    (name,) = lake.releases()
    return name
