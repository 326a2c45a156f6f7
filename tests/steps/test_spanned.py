"""Split zips: made by Info-ZIP's zip, by the mini world and at random; whole, short and missing."""

import io
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.mini.split import split
from flows.steps.archives import ArchiveError, RawTree, Source
from flows.steps.spanned import part_of

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
FILES = {f"d/{k:02d} é.wav": bytes([k]) * (9_000 + 500 * k) for k in range(12)}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def tree(folder: Path, files: dict[str, bytes]) -> RawTree:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return RawTree([Source(name, folder / name, f"sha of {name}") for name in files])


def contents(raw: RawTree) -> dict[str, bytes]:
    return {member.name: member.data for member in raw.stream(set(raw.names()))}


def infozip(folder: Path, *options: str) -> dict[str, bytes]:
    if not shutil.which("zip"):
        pytest.skip("needs Info-ZIP's zip, which is not installed")
    for name, data in FILES.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(data)
    subprocess.run(["zip", "-q", "-r", *options, "../x.zip", "d"], cwd=folder / "in", check=True)
    return {path.name: path.read_bytes() for path in folder.glob("x.z*")}


@pytest.mark.parametrize("options", [("-0",), ("-1",), ("-0", "-fz"), ("-Z", "bzip2")])
def test_what_info_zip_splits_is_read_in_place(options: tuple[str, ...], tmp_path: Path):
    parts = infozip(tmp_path, "-s", "64k", *options)
    assert options[0] != "-0" or len(parts) == 3
    raw = tree(tmp_path, parts)
    assert raw.names() == sorted(FILES) and contents(raw) == FILES
    assert raw.open("d/07 é.wav").read() == FILES["d/07 é.wav"]
    assert {(m.archive, m.archive_sha256) for m in raw.stream(FILES)} == {("x.zip", "sha of x.zip")}
    assert len(raw.sources) == len(parts)  # so that every part counts in the versions


def test_info_zip_joins_what_the_mini_world_splits(tmp_path: Path):
    for name, data in split("x.zip", zipped(FILES), 4).items():
        (tmp_path / name).write_bytes(data)
    if not shutil.which("zip"):
        pytest.skip("needs Info-ZIP's zip, which is not installed")
    join = ["zip", "-q", "-s", "0", "x.zip", "--out", "whole.zip"]
    subprocess.run(join, cwd=tmp_path, check=True)
    with zipfile.ZipFile(tmp_path / "whole.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == FILES


def test_the_mini_world_splits_as_publishers_do(tmp_path: Path):
    parts = split("x.zip", zipped(FILES), 4)
    assert list(parts) == ["x.z01", "x.z02", "x.z03", "x.zip"]
    assert parts["x.z01"][:4] == b"PK\7\x08"
    assert parts["x.zip"][-22:-14] == b"PK\5\6\3\0\3\0"
    assert contents(tree(tmp_path, parts)) == FILES


@settings(max_examples=60)
@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,6}\.wav", fullmatch=True), st.binary(max_size=900)),
    st.integers(1, 9),
    st.sampled_from(
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    ),
)
def test_any_split_gives_what_the_joined_file_gives(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], parts: int, method: int
):
    whole = zipped(files, method)
    raw = tree(tmp_path_factory.mktemp("any"), split("x.zip", whole, parts))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert contents(raw) == {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("absent", ["x.z01", "x.z02", "x.z03"])
def test_a_missing_part_is_named(absent: str, tmp_path: Path):
    parts = split("x.zip", zipped(FILES), 4)
    del parts[absent]
    with pytest.raises(ArchiveError, match=rf"x\.zip is the last of 4 parts, and {absent} is miss"):
        tree(tmp_path, parts).names()


def test_without_its_last_part_nothing_is_read(tmp_path: Path):
    parts = split("x.zip", zipped(FILES), 3)
    del parts["x.zip"]
    with pytest.raises(ArchiveError, match=r"x\.z01 is a part.*x\.zip is missing"):
        tree(tmp_path, parts)


def test_a_part_of_another_version_is_surplus(tmp_path: Path):
    parts = split("x.zip", zipped(FILES), 3)
    with pytest.raises(ArchiveError, match=r"last of 3 parts, but x\.z03 lies beside it"):
        tree(tmp_path, {"x.z03": b"more"} | parts).names()


@pytest.mark.parametrize("short", ["x.z01", "x.z02", "x.z03"])
@pytest.mark.parametrize("by", [1, 1000, 10_000])
def test_a_short_part_is_named(short: str, by: int, tmp_path: Path):
    parts = split("x.zip", zipped(FILES), 4)
    parts[short] = parts[short][:-by]
    with pytest.raises(ArchiveError, match=rf"{short} is too short, {len(parts[short])} bytes"):
        tree(tmp_path, parts).names()


def test_a_short_last_part_is_named(tmp_path: Path):
    parts = split("x.zip", zipped(FILES), 3)
    for end in (0, 10, 30, len(parts["x.zip"]) - 1):
        with pytest.raises(ArchiveError, match=r"x\.zip cannot be read"):
            tree(tmp_path, parts | {"x.zip": parts["x.zip"][:end]}).names()


def test_flipped_bytes_in_any_part_never_give_wrong_bytes(tmp_path: Path):
    small = {f"{k}.wav": bytes([k + 1]) * 50 for k in range(4)}
    parts = split("x.zip", zipped(small), 3)
    for name in parts:
        for position in range(0, len(parts[name]), 5):
            flipped = bytearray(parts[name])
            flipped[position] ^= 0x55
            try:
                found = contents(tree(tmp_path, parts | {name: bytes(flipped)}))
            except ArchiveError:
                continue
            assert set(found.values()) <= set(small.values())


def test_parts_are_told_by_their_suffix():
    assert [part_of(name) for name in ("a.z01", "A.b.Z12", "x.z100")] == [
        ("a", 1),
        ("A.b", 12),
        ("x", 100),
    ]
    assert not any(part_of(name) for name in ("a.zip", "a.z1", ".z01", "a.z01.txt"))


def test_offsets_beyond_4_gib_are_read_in_place(tmp_path: Path):
    """A first part with a hole of 5 GiB, none of which is written or read."""
    with (tmp_path / "x.z01").open("wb") as part:
        part.seek(5 << 30)
        with zipfile.ZipFile(part, "w") as archive:
            archive.writestr("a.wav", b"one")
            archive.writestr("b.wav", b"two")
        where = archive.start_dir
    with (tmp_path / "x.z01").open("r+b") as part:
        part.seek(where)
        directory = part.read()
        size = directory.rindex(b"PK\6\6")
        part.truncate(where)
    last = directory[:size] + struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 1, 1, 0, 2, size, 0)
    last += struct.pack("<4sLQL", b"PK\6\7", 1, size, 2)
    last += struct.pack("<4s4H2LH", b"PK\5\6", *[0xFFFF] * 4, *[0xFFFFFFFF] * 2, 0)
    (tmp_path / "x.zip").write_bytes(last)
    raw = RawTree([Source(name, tmp_path / name, "") for name in ("x.z01", "x.zip")])
    assert contents(raw) == {"a.wav": b"one", "b.wav": b"two"}
