"""Fetching from a local server that drops, refuses, delays and corrupts on request."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from flows.steps import download as downloading
from flows.steps.fetch import ChecksumError, FetchError, fetch, raw_tree
from flows.steps.lake import Lake
from publisher import BODY, MD5, Reply, Server, dataset
from schemas import Archive, Dataset
from schemas.tables import FETCHES


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for, in seconds; none of them is waited."""
    found: list[float] = []
    monkeypatch.setattr(downloading.time, "sleep", found.append)
    monkeypatch.setattr(downloading.random, "uniform", lambda low, high: 1.0)
    return found


def one(server: Server, checksum: str | None = MD5, **facts: object) -> Dataset:
    fields = {"name": "a.bin", "url": f"{server.url}/a.bin?download=1", "checksum": checksum}
    return dataset(Archive.model_validate(fields | facts))


def ledger(lake: Lake) -> list[dict[str, object]]:
    table = pq.read_table(lake.fetches("d"))
    assert table.schema.equals(FETCHES)
    return table.to_pylist()


def test_the_rename_of_a_slow_disk_is_no_change_of_the_archive(
    lake: Lake, server: Server, monkeypatch: pytest.MonkeyPatch
):
    renamed = Path.replace

    def slow(self: Path, target: Path) -> Path:
        until = time.monotonic() + 0.05  # longer than a tick of the clock that stamps files
        while time.monotonic() < until:
            pass
        return renamed(self, target)

    monkeypatch.setattr(Path, "replace", slow)
    fetch(one(server), lake)
    before = ledger(lake)
    fetch(one(server), lake)
    assert (ledger(lake), len(server.asked)) == (before, 1)


def test_an_archive_is_fetched_once_and_its_ledger_says_what_was_compared(
    lake: Lake, server: Server
):
    facts = one(server, bytes=len(BODY))
    assert fetch(facts, lake) == lake.fetches("d")
    (line,) = ledger(lake)
    assert (lake.root / str(line["path"])).read_bytes() == BODY
    assert line["path"] == "raw/d/a.bin"
    assert line["url"] == f"{server.url}/a.bin?download=1"
    assert line["sha256"] == hashlib.sha256(BODY).hexdigest()
    assert (line["checksum"], line["verified"], line["bytes"]) == (MD5, True, len(BODY))
    fetch(facts, lake)
    assert len(server.asked) == 1
    lake.fetches("d").unlink()  # killed before the ledger was written: the file is not asked again
    fetch(facts, lake)
    assert len(server.asked) == 1
    assert sorted(path.name for path in lake.raw("d").iterdir()) == [
        ".lock",
        "a.bin",
        "fetches.parquet",
    ]
    assert raw_tree(facts, lake).open("a.bin").read() == BODY


def test_no_published_checksum_is_not_called_verified(lake: Lake, server: Server):
    fetch(one(server, None), lake)
    assert [(line["checksum"], line["verified"]) for line in ledger(lake)] == [(None, False)]


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
def test_every_published_kind_of_checksum_is_compared(lake: Lake, server: Server, kind: str):
    fetch(one(server, f"{kind}:{hashlib.new(kind, BODY).hexdigest()}"), lake)
    wrong = f"{kind}:{hashlib.new(kind, b'x').hexdigest()}"
    with pytest.raises(ChecksumError, match=rf"a\.bin has {kind}:.*expected {wrong}"):
        fetch(one(server, wrong), lake)


def test_a_dropped_connection_is_resumed_where_it_broke(
    lake: Lake, server: Server, waits: list[float]
):
    server.script = [Reply(drop_after=300_000), Reply(drop_after=200_000), Reply()]
    fetch(one(server), lake)
    starts = [int((wanted or "bytes=0-")[6:-1]) for _, wanted, _ in server.asked]
    assert starts[0] == 0 < starts[1] <= 300_000 < starts[2] <= 500_000
    assert (lake.raw("d") / "a.bin").read_bytes() == BODY
    assert waits == [1.0, 1.0]  # each attempt got further


def test_a_part_of_an_earlier_run_is_continued(lake: Lake, server: Server):
    lake.raw("d").mkdir(parents=True)
    (lake.raw("d") / "a.bin.part").write_bytes(BODY[:1000])
    fetch(one(server), lake)
    assert server.asked == [("/a.bin?download=1", "bytes=1000-", None)]


def test_a_whole_part_is_only_checked(lake: Lake, server: Server):
    lake.raw("d").mkdir(parents=True)
    (lake.raw("d") / "a.bin.part").write_bytes(BODY)
    fetch(one(server), lake)
    assert (lake.raw("d") / "a.bin").read_bytes() == BODY
    assert len(server.asked) == 1


def test_a_part_that_is_too_long_starts_again(lake: Lake, server: Server):
    lake.raw("d").mkdir(parents=True)
    (lake.raw("d") / "a.bin.part").write_bytes(BODY + b"more")
    fetch(one(server), lake)
    assert [wanted for _, wanted, _ in server.asked] == [f"bytes={len(BODY) + 4}-", None]


def test_a_server_without_ranges_starts_again(lake: Lake, server: Server):
    server.script = [Reply(drop_after=1000), Reply(ranges=False)]
    fetch(one(server), lake)
    assert (lake.raw("d") / "a.bin").read_bytes() == BODY


def test_a_corrupt_resumed_part_is_fetched_once_more_from_the_first_byte(
    lake: Lake, server: Server
):
    lake.raw("d").mkdir(parents=True)
    (lake.raw("d") / "a.bin.part").write_bytes(b"\xff" * 1000)
    fetch(one(server), lake)
    assert [wanted for _, wanted, _ in server.asked] == ["bytes=1000-", None]
    assert (lake.raw("d") / "a.bin").read_bytes() == BODY


def test_a_corrupt_whole_file_is_not_fetched_twice_and_not_kept(lake: Lake, server: Server):
    server.script = [Reply(body=BODY[:-1] + b"x")]
    with pytest.raises(ChecksumError, match=r"d: a\.bin has md5:.*record the new version"):
        fetch(one(server), lake)
    assert len(server.asked) == 1
    assert not lake.fetches("d").exists()
    assert [path.name for path in lake.raw("d").iterdir() if path.suffix == ".bin"] == []


def test_the_pieces_of_two_versions_are_never_joined(lake: Lake, server: Server):
    newer = bytes(len(BODY))
    server.script = [
        Reply(headers={"ETag": '"v1"'}, drop_after=5000),
        Reply(headers={"ETag": '"v2"'}, body=newer, ranges=False),
    ]
    fetch(one(server, None), lake)
    assert server.asked[1][2] == '"v1"'
    assert (lake.raw("d") / "a.bin").read_bytes() == newer


def test_too_many_requests_waits_as_long_as_the_server_says(
    lake: Lake, server: Server, waits: list[float]
):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    server.script = [
        Reply(429, {"Retry-After": "7"}),
        Reply(503, {"Retry-After": soon}),
        Reply(500),
    ]
    fetch(one(server), lake)
    assert waits[0] == 7.0 and 30 < waits[1] <= 40 and waits[2] == 4.0


def test_a_server_that_never_recovers_is_given_up(lake: Lake, server: Server, waits: list[float]):
    server.script = [Reply(503)] * 9
    with pytest.raises(FetchError, match=r"a\.bin could not be downloaded: .*HTTP 503.*--raw"):
        fetch(one(server), lake)
    assert len(server.asked) == 5 and waits == [1.0, 2.0, 4.0, 8.0]


def test_mirrors_are_asked_in_order(lake: Lake, server: Server):
    server.script = [Reply(404), Reply(body=b"x" * len(BODY)), Reply()]
    fetch(one(server, mirrors=(f"{server.url}/second", f"{server.url}/third")), lake)
    assert [path for path, _, _ in server.asked] == ["/a.bin?download=1", "/second", "/third"]
    assert ledger(lake)[0]["url"] == f"{server.url}/third"


def test_a_file_of_another_size_is_not_even_downloaded(lake: Lake, server: Server):
    with pytest.raises(FetchError, match=rf"offers {len(BODY)} bytes, published are 99"):
        fetch(one(server, bytes=99), lake)
    assert len(server.asked) == 1


def test_a_full_disk_is_seen_before_the_first_byte(lake: Lake, server: Server):
    with pytest.raises(FetchError, match=r"MiB are needed, \d+ MiB are free"):
        fetch(one(server, bytes=1 << 60), lake)
    assert not server.asked


def test_another_version_replaces_the_file_only_when_it_is_verified(lake: Lake, server: Server):
    fetch(one(server), lake)
    newer = b"newer" * 1000
    checksum = "md5:" + hashlib.md5(newer).hexdigest()
    server.script = [Reply(404)]
    with pytest.raises(FetchError):
        fetch(one(server, checksum), lake)
    assert (lake.raw("d") / "a.bin").read_bytes() == BODY
    server.script = [Reply(body=newer)]
    fetch(one(server, checksum), lake)
    assert (lake.raw("d") / "a.bin").read_bytes() == newer


def test_a_touched_file_is_hashed_again(lake: Lake, server: Server):
    fetch(one(server), lake)
    (lake.raw("d") / "a.bin").write_bytes(bytes(len(BODY)))
    fetch(one(server), lake)
    assert (lake.raw("d") / "a.bin").read_bytes() == BODY
    assert len(server.asked) == 2


def test_a_proxy_is_not_asked_for_this_machine(
    lake: Lake, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with pytest.raises(httpx.HTTPError):
        httpx.get(server.url)
    fetch(one(server), lake)
