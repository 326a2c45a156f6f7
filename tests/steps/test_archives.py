"""Archives written by the zip, tar and 7z libraries, whole and damaged, friendly and hostile."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.steps import gate
from flows.steps.archives import ArchiveError, RawTree, Source, is_media

FILES = {"b/two.wav": b"2" * 5000, "a/one.wav": b"1", "meta/list.csv": b"name,label\none,dog\n"}


def tarred(files: dict[str, bytes], mode: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    return packed_zip(files, zipfile.ZIP_DEFLATED)


def packed_zip(files: dict[str, bytes], method: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def seven_zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with py7zr.SevenZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return packed.getvalue()


PACKERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "x.zip": zipped,
    "x.tar": lambda files: tarred(files, "w:"),
    "x.tar.gz": lambda files: tarred(files, "w:gz"),
    "x.tgz": lambda files: tarred(files, "w:gz"),
    "x.tar.bz2": lambda files: tarred(files, "w:bz2"),
    "x.tar.xz": lambda files: tarred(files, "w:xz"),
    "x.7z": seven_zipped,
}


def tree(folder: Path, **archives: bytes) -> RawTree:
    for name, data in archives.items():
        (folder / name).write_bytes(data)
    return RawTree([Source(name, folder / name, f"sha of {name}") for name in archives])


def contents(raw: RawTree) -> dict[str, bytes]:
    return {member.name: member.data for member in raw.stream(set(raw.names()))}


@pytest.mark.parametrize("name", PACKERS)
def test_every_kind_of_archive_gives_its_members_in_its_own_order(name: str, tmp_path: Path):
    raw = tree(tmp_path, **{name: PACKERS[name](FILES)})
    assert raw.names() == ["a/one.wav", "b/two.wav", "meta/list.csv"]
    assert raw.names("*.wav") == ["a/one.wav", "b/two.wav"]
    assert list(raw.ordered()) == [member.name for member in raw.stream(FILES)]
    assert contents(raw) == FILES
    assert [member.name for member in raw.stream({"a/one.wav", "absent"})] == ["a/one.wav"]
    assert list(raw.csv("meta/list.csv")) == [{"name": "one", "label": "dog"}]
    assert raw.open("b/two.wav").read() == FILES["b/two.wav"]
    member = next(raw.stream({"a/one.wav"}))
    assert (member.archive, member.archive_sha256) == (name, f"sha of {name}")


@pytest.mark.parametrize("name", PACKERS)
def test_a_truncated_archive_is_an_error_wherever_it_ends(name: str, tmp_path: Path):
    whole = PACKERS[name](FILES)
    end = whole.rindex(b"dog") if name == "x.tar" else len(whole) - 1  # a tar ends in zeros
    for length in {0, 1, end // 3, end // 2, end}:
        with pytest.raises(ArchiveError, match=r"x\..*cannot be read"):
            contents(tree(tmp_path, **{name: whole[:length]}))


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.7z"])
def test_flipped_bytes_never_give_wrong_bytes(name: str, tmp_path: Path):
    whole = bytearray(PACKERS[name](FILES))
    for position in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[position] ^= 0x55
        try:
            found = contents(tree(tmp_path, **{name: bytes(flipped)}))
        except ArchiveError:
            continue
        assert set(found.values()) <= set(FILES.values())  # a name has no checksum, data has


@pytest.mark.parametrize("evil", ["../out.wav", "/etc/out.wav", "a/../../out.wav", "C:/out.wav"])
@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_a_member_that_points_outside_is_refused_by_name(name: str, evil: str, tmp_path: Path):
    raw = tree(tmp_path, **{name: PACKERS[name]({"good.wav": b"1", evil: b"2"})})
    with pytest.raises(ArchiveError, match=r"out\.wav' points outside the folder"):
        raw.names()


def test_a_7z_member_that_points_outside_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("py7zr.py7zr.check_archive_path", lambda path: True)
    with py7zr.SevenZipFile(tmp_path / "x.7z", "w") as archive:
        archive.writestr(b"1", "../out.wav")
    with pytest.raises(ArchiveError, match=r"out\.wav"):
        RawTree([Source("x.7z", tmp_path / "x.7z", "")]).names()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, tmp_path: Path):
    info = tarfile.TarInfo("link.wav")
    info.type, info.linkname = kind, "/etc/hostname"
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.addfile(info)
    with pytest.raises(ArchiveError, match=r"link\.wav' is a link or a device"):
        RawTree([Source("x.tar", tmp_path / "x.tar", "")]).names()


def test_links_in_a_zip_are_refused(tmp_path: Path):
    info = zipfile.ZipInfo("link.wav")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, "/etc/hostname")
    with pytest.raises(ArchiveError, match=r"link\.wav' is a link"):
        RawTree([Source("x.zip", tmp_path / "x.zip", "")]).names()


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.7z"])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gate, "_RATIO_FROM", 1 << 20)
    raw = tree(tmp_path, **{name: PACKERS[name]({"zeros.wav": bytes(8 << 20)})})
    with pytest.raises(ArchiveError, match=r"zeros\.wav' makes 8388608 bytes unpacked"):
        raw.names()


def test_tars_inside_a_tar_are_folders(tmp_path: Path):
    inner = tarred({"./train_splits/dia0_utt0.mp4": b"video", "train_splits/x.csv": b"a"}, "w:gz")
    outer = tarred({"./MELD.Raw/train.tar.gz": inner, "MELD.Raw/README.txt": b"r"}, "w:gz")
    raw = tree(tmp_path, **{"MELD.Raw.tar.gz": outer})
    assert contents(raw) == {
        "MELD.Raw/README.txt": b"r",
        "MELD.Raw/train.tar.gz/train_splits/dia0_utt0.mp4": b"video",
        "MELD.Raw/train.tar.gz/train_splits/x.csv": b"a",
    }
    assert raw.open("MELD.Raw/train.tar.gz/train_splits/x.csv").read() == b"a"


def test_several_archives_are_one_tree_and_hide_nothing(tmp_path: Path):
    raw = tree(
        tmp_path,
        **{
            "a.zip": zipped({"README": b"a", "1.wav": b"1"}),
            "b.tar": tarred({"README": b"b"}, "w:"),
        },
        **{"list.csv": b"x\n1\n"},
    )
    assert contents(raw) == {
        "README": b"a",
        "1.wav": b"1",
        "b.tar/README": b"b",
        "list.csv": b"x\n1\n",
    }
    assert list(raw.ordered()) == ["README", "1.wav", "b.tar/README", "list.csv"]


def test_a_name_that_was_made_longer_hides_nothing_either(tmp_path: Path):
    raw = tree(
        tmp_path,
        **{
            "a.zip": zipped({"x": b"1", "b.zip/x": b"2"}),
            "b.zip": zipped({"x": b"3", "y": b"4"}),
            "c.zip": zipped({"x": b"5", "y": b"6"}),
        },
    )
    expected = {"x": b"1", "b.zip/x": b"2", "b.zip/b.zip/x": b"3", "y": b"4"}
    expected |= {"c.zip/x": b"5", "c.zip/y": b"6"}
    assert contents(raw) == {name: raw.open(name).read() for name in raw.names()} == expected
    assert [member.name for member in raw.stream({"c.zip/y", "y"})] == ["y", "c.zip/y"]


def test_what_is_hidden_is_hidden_in_every_archive(tmp_path: Path):
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(zipped({"x": name.encode(), f"of {name}": b"1"}))
    sources = [Source(name, tmp_path / name, "") for name in ("a.zip", "b.zip")]
    raw = RawTree(sources, hidden={"x"})
    assert list(raw.ordered()) == ["of a.zip", "of b.zip"]
    assert [member.name for member in raw.stream({"x", "b.zip/x", "of b.zip"})] == ["of b.zip"]
    with pytest.raises(FileNotFoundError, match="no member 'x'"):
        raw.open("x")


def test_a_directory_is_a_tree(shared_data: Path):
    raw = RawTree([Source("raw", shared_data / "ESC-10", "0")])
    sounds = raw.names("*.ogg")
    assert len(sounds) == 240
    assert len(raw.names("001 - Dog bark/*")) == 24
    assert sounds[0] == "001 - Dog bark/1-100032-A.ogg"
    assert raw.open(sounds[0]).read(4) == b"OggS"


def test_what_was_unpacked_goes_with_the_tree(tmp_path: Path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (tmp_path / "x.7z").write_bytes(seven_zipped(FILES))
    raw = RawTree([Source("x.7z", tmp_path / "x.7z", "")], scratch)
    assert contents(raw) == FILES
    assert list(scratch.iterdir())
    del raw
    assert not list(scratch.iterdir())


def test_an_unknown_member_names_what_is_near(tmp_path: Path):
    raw = tree(tmp_path, **{"x.zip": zipped(FILES)})
    with pytest.raises(FileNotFoundError, match=r"no member 'one\.wav' in x\.zip.*a/one\.wav"):
        raw.open("one.wav")


def test_csv_keeps_surplus_and_missing_cells_apart(tmp_path: Path):
    raw = tree(tmp_path, **{"x.csv": b"\xef\xbb\xbfa,b\n1,2,3,4\n5\n", "l.csv": b"t;u\n\xe9;2\n"})
    assert list(raw.csv("x.csv")) == [{"a": "1", "b": "2", "": "3,4"}, {"a": "5", "b": ""}]
    assert list(raw.csv("l.csv", "latin-1", ";")) == [{"t": "é", "u": "2"}]
    with pytest.raises(ArchiveError, match=r"l\.csv: 'utf-8'.*Expected a CSV in utf-8"):
        list(raw.csv("l.csv"))


def test_media_are_known_by_their_suffix():
    assert is_media("a/b.MP4") and is_media("x.ogg")
    assert not is_media("a.wav/readme.txt") and not is_media("labels.csv")


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.from_regex(r"[a-zé ]{1,8}(/[A-Z0-9._-]{0,6}[a-z])?\.(wav|csv)", fullmatch=True),
        st.binary(max_size=200),
        max_size=6,
    )
)
def test_any_files_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
):
    folder = tmp_path_factory.mktemp("any")
    for name in ("x.zip", "x.tar.gz"):
        assert contents(tree(folder, **{name: PACKERS[name](files)})) == files


def test_more_members_than_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gate, "_COUNT_LIMIT", 2)
    for name in ("x.zip", "x.tar.gz", "x.7z"):
        with pytest.raises(ArchiveError, match="is one of more than 2 members"):
            tree(tmp_path, **{name: PACKERS[name](FILES)}).names()


def test_a_link_in_a_7z_is_refused_and_nothing_is_unpacked(tmp_path: Path):
    (tmp_path / "target.wav").write_bytes(b"1")
    (tmp_path / "link.wav").symlink_to("target.wav")
    with py7zr.SevenZipFile(tmp_path / "x.7z", "w") as archive:
        archive.write(tmp_path / "link.wav", "link.wav")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(ArchiveError, match=r"link\.wav' is a link"):
        RawTree([Source("x.7z", tmp_path / "x.7z", "")], scratch).names()
    assert not [path for path in scratch.rglob("*") if not path.is_dir()]


def test_a_folder_shows_links_to_files_and_hidden_files(tmp_path: Path):
    folder = tmp_path / "copy"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "1.wav").write_bytes(b"1")
    (folder / ".hidden").write_bytes(b"h")
    (tmp_path / "2.wav").write_bytes(b"2")
    (folder / "a" / "2.wav").symlink_to(tmp_path / "2.wav")
    (folder / "a" / "gone.wav").symlink_to(tmp_path / "gone.wav")
    raw = RawTree([Source("raw", folder, "")])
    assert contents(raw) == {".hidden": b"h", "a/2.wav": b"2", "a/b/1.wav": b"1"}
    assert RawTree([Source("raw", folder, "")], hidden={"a/2.wav"}).names() == [
        ".hidden",
        "a/b/1.wav",
    ]
