"""Zips of every method, with names as programs write them."""

import io
import zipfile
from pathlib import Path

import pytest

from flows.steps.archives import ArchiveError
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
