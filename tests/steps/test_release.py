"""Releases: any flipped byte is found and named; what has not changed is not hashed again."""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import publisher
from flows.steps import hashes
from flows.steps.lake import Lake, write_table
from flows.steps.pairs import make_pairs
from flows.steps.release import Ingested, make_release, read_release, training_pairs, verify
from schemas import Release
from schemas.tables import CLIPS, REJECTED, ROWS

CLIP_FACTS = {"seconds": 0.1, "licence": "CC0-1.0"}


def ingested(lake: Lake, name: str, rows: int = 6) -> Ingested:
    """A dataset with `rows` captions (every third is a test row), a clip each, and two shards."""
    lines = [
        {"dataset": name, "row_id": f"r{n}", "clip": f"{n}.wav", "caption": f"dog {n}"}
        | {"split": "test" if n % 3 == 2 else "train"}
        for n in range(rows)
    ]
    ids = [hashlib.md5(f"{name}{n}".encode()).hexdigest() for n in range(rows)]
    clips = [{"name": f"{n}.wav", "clip_id": ids[n]} | CLIP_FACTS for n in range(rows)]
    write_table(lake.rows(name, "r"), pa.Table.from_pylist(lines, ROWS))
    write_table(lake.clips(name, "a"), pa.Table.from_pylist(clips, CLIPS))
    for number in range(2):
        shard = lake.audio(name, "a") / f"shard-{number:05d}.tar"
        shard.write_bytes(hashlib.sha256(f"{name}{number}".encode()).digest() * 20)
    for stop, version in (("rows", "r"), ("audio", "a")):
        write_table(lake.rejected(name, stop, version), REJECTED.empty_table())
    dataset = publisher.dataset(name=name, templates=("audio_captioning",))
    return Ingested(name, "r", "a", make_pairs(lake, dataset, "r", "a"))


def released(lake: Lake, *names: str, **provenance: str) -> Release:
    stops = [ingested(lake, name) for name in names]
    return make_release(lake, stops, {name: ("train",) for name in names}, provenance)


def files(release: Release) -> list[str]:
    return [f.path for p in release.parts for f in (p.rows, p.clips, p.pairs, *p.shards)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Release]:
    lake = Lake.create(tmp_path_factory.mktemp("release") / "lake")
    return lake, released(lake, "one", "two", made="2024-05-01", code_commit="abc")


def test_a_whole_release_has_no_damage_and_its_counts(whole: tuple[Lake, Release]) -> None:
    lake, release = whole
    assert verify(lake, "HEAD") == verify(lake, release.release_id) == []
    assert [part.dataset for part in release.parts] == ["one", "two"]
    for part in release.parts:
        assert (part.pair_counts, part.clips_in_release) == ({"audio_captioning": 4}, 4)
        assert part.seconds_in_release == 0.4
    ids = training_pairs(lake, release.parts)["pair_id"].to_pylist()
    assert release.pairs == len(ids) == 8
    text = "".join(f"{pair}\n" for pair in ids)
    assert release.pairs_sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_hashes_and_seal_are_those_of_sha256sum(whole: tuple[Lake, Release]) -> None:
    lake, release = whole
    for part in release.parts:
        for file in (part.rows, part.clips, part.pairs, *part.shards):
            said = subprocess.run(["sha256sum", lake.root / file.path], capture_output=True)
            assert said.stdout.split()[0].decode() == file.sha256
    seal = lake.seal(release.release_id)
    subprocess.run(["sha256sum", "--check", "--status", seal.name], cwd=seal.parent, check=True)


@settings(max_examples=80)
@given(data=st.data())
def test_one_flipped_bit_anywhere_is_found_and_its_file_named(
    whole: tuple[Lake, Release], data: st.DataObject
) -> None:
    lake, release = whole
    manifest = lake.relative(lake.release(release.release_id))
    name = data.draw(st.sampled_from([*files(release), manifest, f"{manifest}.sha256"]))
    path = lake.root / name
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    flipped = bytearray(before)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        path.write_bytes(flipped)
        damages = verify(lake, release.release_id)
        assert any(line.startswith(name.removesuffix(".sha256")) for line in damages)
        assert len(damages) == 1 or name == manifest  # which may name other files wrongly then
    finally:
        path.write_bytes(before)


def test_every_damaged_file_is_named_with_what_is_wrong(lake: Lake) -> None:
    release = released(lake, "one", "two")
    rows, clips, pairs, first, second = files(release)[:5]
    (lake.root / rows).unlink()
    with (lake.root / clips).open("ab") as file:
        file.write(b"\0")
    (lake.root / pairs).write_bytes((lake.root / pairs).read_bytes()[:-1])
    (lake.root / first).unlink()
    (lake.root / first).mkdir()
    (lake.root / second).write_bytes(b"\0" * (lake.root / second).stat().st_size)
    damages = dict(line.split(": ", 1) for line in verify(lake, "HEAD"))
    assert damages[rows] == damages[first] == "missing"
    assert " bytes, expected " in damages[clips] and " bytes, expected " in damages[pairs]
    assert damages[second].startswith("sha256 ")
    assert len(damages) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"pairs": 9},
        {"leakage": "strict"},
        {"provenance": {}},
        {"pairs": "many"},
        {"release_id": ""},
    ],
)
def test_a_tampered_manifest_is_found(lake: Lake, change: dict[str, Any]) -> None:
    release = released(lake, "one", made="2024-05-01")
    path = lake.release(release.release_id)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert any("manifest" in line for line in verify(lake, "HEAD"))
    seal = lake.seal(release.release_id)
    seal.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    found = verify(lake, "HEAD")  # who forges the seal too is betrayed by the id, provenance aside
    assert any("manifest" in line for line in found) or "provenance" in change


def test_a_manifest_that_is_no_json_is_a_damage(lake: Lake) -> None:
    release = released(lake, "one")
    for content in (b"{", b"\xff", b"{}", b""):
        lake.release(release.release_id).write_bytes(content)
        (damage,) = verify(lake, "HEAD")
        assert damage.startswith(f"releases/{release.release_id}.json: manifest cannot be read")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that a release hashes."""
    seen: list[str] = []
    true = hashes.sha256_file

    def counted(path: Path) -> str:
        seen.append(path.name)
        return true(path)

    monkeypatch.setattr(hashes, "sha256_file", counted)
    return seen


def test_a_release_reads_only_files_that_it_has_not_seen(lake: Lake, reads: list[str]) -> None:
    first = released(lake, "one")
    assert len(reads) == 5
    reads.clear()
    assert make_release(lake, [ingested_again(first)], {"one": ("train",)}, {}) == first
    assert reads == []
    released(lake, "one", "two")  # writes the rows, clips and shards of both once more
    assert len(reads) == 9


def ingested_again(release: Release) -> Ingested:
    (part,) = release.parts
    return Ingested(part.dataset, "r", "a", Path(part.pairs.path).stem)


def test_a_changed_file_is_read_again(lake: Lake, reads: list[str]) -> None:
    first = released(lake, "one")
    shard = lake.root / first.parts[0].shards[0].path
    shard.write_bytes(shard.read_bytes()[::-1])
    reads.clear()
    second = make_release(lake, [ingested_again(first)], {"one": ("train",)}, {})
    assert reads == [shard.name]
    assert second.parts[0].shards[0].sha256 == hashlib.sha256(shard.read_bytes()).hexdigest()
    assert second.release_id != first.release_id
    assert any(
        line.startswith("audio/one/a/shard-00000") for line in verify(lake, first.release_id)
    )


def test_a_change_that_stat_does_not_show_is_found_by_verify(lake: Lake) -> None:
    first = released(lake, "one")
    shard = lake.root / first.parts[0].shards[0].path
    before = shard.stat()
    content = bytearray(shard.read_bytes())
    content[7] ^= 1
    shard.write_bytes(content)
    os.utime(shard, ns=(before.st_atime_ns, before.st_mtime_ns))
    known = json.loads(lake.hashes("one").read_text())
    known["files"][lake.relative(shard)][2] = shard.stat().st_ctime_ns  # as if it had not moved
    known["sha256"] = hashes._digest(known["files"])
    lake.hashes("one").write_text(json.dumps(known))
    again = make_release(lake, [ingested_again(first)], {"one": ("train",)}, {})
    assert again.release_id == first.release_id
    (damage,) = verify(lake, first.release_id)
    assert damage.startswith(f"{lake.relative(shard)}: sha256 ")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": {}, "sha256": "0"}'])
def test_what_was_remembered_may_be_lost_or_damaged(
    lake: Lake, reads: list[str], content: str
) -> None:
    first = released(lake, "one")
    lake.hashes("one").write_text(content)
    reads.clear()
    assert make_release(lake, [ingested_again(first)], {"one": ("train",)}, {}) == first
    assert len(reads) == 5


def test_the_id_is_that_of_the_content_and_its_provenance_the_first(lake: Lake) -> None:
    first = released(lake, "one", made="first")
    stop = ingested_again(first)
    second = make_release(lake, [stop], {"one": ("train",)}, {"made": "second"})
    assert second == first
    assert read_release(lake, "HEAD").provenance == {"made": "first"}
    assert pq.read_metadata(lake.root / first.parts[0].pairs.path).num_rows == 6
