"""Zips of every method, with names as programs write them."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.mini.split import split
from flows.steps.archives import ArchiveError, RawTree, Source
from test_archives import FILES, contents, packed_zip, tree


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_every_method_of_a_zip_is_read_and_checked(method: int, tmp_path: Path):
    whole = bytearray(packed_zip(FILES, method))
    assert contents(tree(tmp_path, **{"x.zip": bytes(whole)})) == FILES
    for position in range(30, len(whole), 11):
        flipped = bytearray(whole)
        flipped[position] ^= 0x55
        try:
            found = contents(tree(tmp_path, **{"x.zip": bytes(flipped)}))
        except ArchiveError:
            continue
        assert set(found.values()) <= set(FILES.values())


def test_a_zip64_is_read(tmp_path: Path):
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w") as archive,
        archive.open("a.wav", "w", force_zip64=True) as out,
    ):
        out.write(b"one")
    assert contents(tree(tmp_path, **{"x.zip": packed.getvalue()})) == {"a.wav": b"one"}


@pytest.mark.parametrize("system", [3, 0])
def test_names_that_unix_programs_write_without_a_flag_are_utf_8(system: int, tmp_path: Path):
    whole = packed_zip({"é.wav": b"1", "plain.wav": b"2"}, zipfile.ZIP_STORED)
    flag = (1 << 11).to_bytes(2, "little")
    whole = whole.replace(b"\x14\x00" + flag, b"\x14\x00\0\0")  # in the headers' version, flags
    whole = whole.replace(b"PK\1\2\x14\x03", b"PK\1\2\x14" + bytes([system]))
    names = tree(tmp_path, **{"x.zip": whole}).names()
    assert names == ["plain.wav", "é.wav" if system == 3 else "├⌐.wav"]


NAMES = st.from_regex(r"[a-zé漢 ]{1,8}(/[A-Z0-9é_-]{1,6}){0,2}(\.wav|/)", fullmatch=True)
METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
ENTRIES = st.dictionaries(NAMES, st.tuples(st.binary(max_size=99), METHODS, st.booleans()))


@settings(max_examples=60)
@given(ENTRIES, st.binary(max_size=50), st.binary(max_size=50))
def test_any_zip_has_the_members_that_the_standard_library_finds(
    tmp_path_factory: pytest.TempPathFactory,
    entries: dict[str, tuple[bytes, int, bool]],
    before: bytes,
    comment: bytes,
):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, (data, method, wide) in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type, info.comment = method, comment
            with archive.open(info, "w", force_zip64=wide) as out:
                out.write(b"" if info.is_dir() else data)
        archive.comment = comment
    whole = before + packed.getvalue()
    raw = tree(tmp_path_factory.mktemp("any"), **{"x.zip": whole})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        files = [info.filename for info in archive.infolist() if not info.is_dir()]
        assert list(raw.ordered()) == files
        assert contents(raw) == {name: archive.read(name) for name in files}
    assert {name: raw.open(name).read() for name in files} == contents(raw)


def test_members_come_in_the_order_of_their_bytes_whatever_the_directory_says(tmp_path: Path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("c.wav", "a.wav", "b.wav"):
            archive.writestr(name, name)
        archive.filelist.reverse()
    raw = tree(tmp_path, **{"x.zip": packed.getvalue()})
    assert [(m.name, m.data) for m in raw.stream(set(raw.ordered()))] == [
        ("c.wav", b"c.wav"),
        ("a.wav", b"a.wav"),
        ("b.wav", b"b.wav"),
    ]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("a.wav", "b.wav", "./a.wav"):
            archive.writestr(name, name)
    with pytest.raises(ArchiveError, match=r"a\.wav' is there twice"):
        tree(tmp_path, **{"x.zip": packed.getvalue()}).names()


def test_names_of_one_hash_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flows.steps.directory.hash", lambda name: 7, raising=False)
    raw = tree(tmp_path, **{"x.zip": packed_zip(FILES, zipfile.ZIP_STORED)})
    assert contents(raw) == FILES
    assert {name: raw.open(name).read() for name in FILES} == FILES
    with pytest.raises(FileNotFoundError):
        raw.open("absent.wav")


def test_an_encrypted_member_is_refused(tmp_path: Path):
    whole = packed_zip({"a.wav": b"1"}, zipfile.ZIP_STORED)
    at = whole.index(b"PK\1\2") + 8
    with pytest.raises(ArchiveError, match=r"a\.wav cannot be read: .*is encrypted"):
        contents(tree(tmp_path, **{"x.zip": whole[:at] + b"\1" + whole[at + 1 :]}))


def test_the_last_part_of_a_split_zip_alone_names_what_is_missing(tmp_path: Path):
    last = split("x.zip", packed_zip(FILES, zipfile.ZIP_STORED), 3)["x.zip"]
    with pytest.raises(ArchiveError, match=r"last of 3 parts, and x\.z01, x\.z02 are missing"):
        tree(tmp_path, **{"x.zip": last}).names()


def test_a_listing_keeps_a_few_bytes_a_member(tmp_path: Path):
    def taken(count: int) -> int:
        path = tmp_path / f"{count}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(count):
                archive.writestr(f"made/audio/clip-{number:07d}.wav", b"")
        tracemalloc.start()
        raw = RawTree([Source("x.zip", path, "")])
        assert sum(1 for _ in raw.ordered()) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    taken(10)  # what is made once
    assert taken(6000) - taken(2000) < 4000 * 120  # bytes; one ZipInfo has 700


def test_a_member_without_a_name_is_refused(tmp_path: Path):
    whole = packed_zip({"Q.wav": b"1"}, zipfile.ZIP_STORED).replace(b"Q.wav", b"\0.wav")
    with pytest.raises(ArchiveError, match="member '' points outside the folder"):
        tree(tmp_path, **{"x.zip": whole}).names()


def test_a_directory_that_would_lie_elsewhere_is_damage(tmp_path: Path):
    whole = packed_zip(FILES, zipfile.ZIP_STORED)
    parts = split("x.zip", whole, 3)
    for files in ({"x.zip": whole}, parts):
        last = files["x.zip"]
        for at in (-10, -6):  # the directory's size, its offset
            wrong = last[:at] + b"\xf0\xff\xff\xff" + last[at + 4 or None :]
            with pytest.raises(ArchiveError, match=r"x\.zip cannot be read"):
                contents(tree(tmp_path, **files | {"x.zip": wrong}))
