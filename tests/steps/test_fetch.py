"""The ledger of copies that somebody has already, and of what cannot be downloaded."""

import hashlib
import os
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.steps.fetch import ChecksumError, FetchError, fetch, raw_tree
from flows.steps.lake import Lake
from publisher import MD5, dataset
from schemas import Access, Archive
from schemas.tables import FETCHES


def ledger(lake: Lake) -> list[dict[str, object]]:
    table = pq.read_table(lake.fetches("d"))
    assert table.schema.equals(FETCHES)
    return table.to_pylist()


def test_what_needs_an_agreement_says_how_to_get_it(lake: Lake):
    facts = dataset(Archive(name="a.zip"), access=Access(kind="agreement", how="Write to X."))
    with pytest.raises(FetchError, match=r"\(agreement\): Write to X\..*--raw d=DIR"):
        fetch(facts, lake)


def test_given_archives_are_verified_and_used_where_they_lie(lake: Lake, tmp_path: Path):
    given = tmp_path / "given"
    given.mkdir()
    with zipfile.ZipFile(given / "a.zip", "w") as archive:
        archive.writestr("1.wav", "one")
    checksum = "sha1:" + hashlib.sha1((given / "a.zip").read_bytes()).hexdigest()
    facts = dataset(Archive(name="a.zip", checksum=checksum), access=Access(kind="agreement"))
    fetch(facts, lake, given)
    (line,) = ledger(lake)
    assert (line["url"], line["path"], line["verified"]) == ("raw", str(given / "a.zip"), True)
    assert raw_tree(facts, lake).names() == ["1.wav"]
    fetch(facts, lake)  # later, without --raw: the ledger knows
    (given / "a.zip").write_bytes(b"x" * 10)
    with pytest.raises(ChecksumError, match=r"a\.zip has sha1"):
        fetch(facts, lake, given)


def test_an_unpacked_copy_is_one_ledger_line_whose_digest_follows_the_bytes(
    lake: Lake, tmp_path: Path
):
    given = tmp_path / "given"
    (given / "b").mkdir(parents=True)
    (given / "b" / "1.wav").write_bytes(b"one")
    (given / "list.csv").write_bytes(b"x\n")
    facts = dataset(Archive(name="a.zip", checksum=MD5), access=Access(kind="youtube"))
    fetch(facts, lake, given)
    (line,) = ledger(lake)
    text = f"b/1.wav\0{3}\0{hashlib.sha256(b'one').hexdigest()}\n"
    text += f"list.csv\0{2}\0{hashlib.sha256(b'x' + bytes([10])).hexdigest()}\n"
    assert line["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert (line["archive"], line["url"], line["bytes"], line["verified"]) == (
        "raw",
        "raw",
        5,
        False,
    )
    assert raw_tree(facts, lake).names() == ["b/1.wav", "list.csv"]
    stamp = os.stat(given / "list.csv")
    (given / "list.csv").write_bytes(b"y\n")
    os.utime(given / "list.csv", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    fetch(facts, lake, given)
    assert ledger(lake)[0]["sha256"] != line["sha256"]


def test_a_given_place_without_files_is_an_error(lake: Lake, tmp_path: Path):
    with pytest.raises(FetchError, match=r"d: .*absent is not a directory with files"):
        fetch(dataset(Archive(name="a.zip")), lake, tmp_path / "absent")


def test_nothing_is_read_before_it_was_fetched(lake: Lake):
    with pytest.raises(FetchError, match=r"d has no ledger"):
        raw_tree(dataset(), lake)
