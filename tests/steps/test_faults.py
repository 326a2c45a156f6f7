"""Faults of servers and disks by name: each is survived or ends in an error that says so."""

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from flows.steps import download as downloading
from flows.steps.fetch import ChecksumError, FetchError, fetch
from flows.steps.lake import Lake
from publisher import BODY, MD5, Reply, Server, dataset, one
from schemas import Access, Archive


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for, in seconds; none of them is waited."""
    found: list[float] = []
    monkeypatch.setattr(downloading.time, "sleep", found.append)
    return found


def body(lake: Lake) -> bytes:
    return (lake.raw("d") / "a.bin").read_bytes()


def test_back_off_doubles_and_is_spread(lake: Lake, server: Server, waits: list[float]):
    server.script = [Reply(503)] * 4
    fetch(one(server), lake)
    for wait, middle in zip(waits, (1.0, 2.0, 4.0, 8.0), strict=True):
        assert 0.5 * middle <= wait <= 1.5 * middle
    assert waits != [1.0, 2.0, 4.0, 8.0]


def test_a_server_that_asks_for_a_week_is_not_waited_for(
    lake: Lake, server: Server, waits: list[float]
):
    server.script = [Reply(429, {"Retry-After": "604800"})]
    fetch(one(server), lake)
    assert waits == [300.0]


@pytest.mark.parametrize("claimed", [len(BODY) + 1000, len(BODY) - 1000])
def test_a_wrong_content_length_never_gives_a_wrong_file(lake: Lake, server: Server, claimed: int):
    server.script = [Reply(length=claimed)]
    if claimed > len(BODY):
        fetch(one(server), lake)  # the rest is asked for, and there is none
        assert body(lake) == BODY
        assert server.asked[1][1] == f"bytes={len(BODY)}-"
    else:
        with pytest.raises(ChecksumError, match=r"a\.bin has md5"):
            fetch(one(server), lake)
        with pytest.raises(FetchError, match=rf"offers {claimed} bytes, published are {len(BODY)}"):
            server.script = [Reply(length=claimed)]
            fetch(one(server, bytes=len(BODY)), lake)


def test_bytes_without_end_stop_at_the_published_size(lake: Lake, server: Server):
    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield bytes(1 << 16)

    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Endless()))
    part = lake.root / "x.part"
    with (
        httpx.Client(transport=transport) as client,
        pytest.raises(FetchError, match="gives more than 1000000 bytes"),
    ):
        downloading.download(client, ("http://x/",), part, None, lambda *_: None, most=1_000_000)
    assert part.stat().st_size < 1_200_000


def test_a_slow_drip_counts_as_a_stalled_connection_and_is_resumed(
    lake: Lake, server: Server, monkeypatch: pytest.MonkeyPatch, waits: list[float]
):
    clock = iter(range(0, 10**6, 31))  # every look at the clock is half a minute later
    monkeypatch.setattr(downloading.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(downloading, "_SLOWEST", 1 << 30)
    monkeypatch.setattr(downloading, "_WORTH", 1 << 30)  # no attempt counts as one that went on
    with pytest.raises(FetchError, match=r"stalled: \d+ bytes in 31 s"):
        fetch(one(server), lake)
    starts = [int((wanted or "bytes=0-")[6:-1]) for _, wanted, _ in server.asked]
    assert starts == sorted(starts) and len(starts) > 1 and starts[1] > 0
    part = lake.raw("d") / "a.bin.part"
    assert BODY.startswith(part.read_bytes()) and part.stat().st_size
    monkeypatch.setattr(downloading, "_SLOWEST", 1)
    fetch(one(server), lake)
    assert body(lake) == BODY


def test_attempts_that_bring_hardly_a_byte_are_counted(lake: Lake, server: Server):
    server.script = [Reply(drop_after=100)] * 50
    with pytest.raises(FetchError, match=r"a\.bin could not be downloaded"):
        fetch(one(server), lake)
    assert len(server.asked) == 5


def test_a_flipped_byte_in_a_resumed_range_is_found_and_all_fetched_again(
    lake: Lake, server: Server
):
    flipped = bytearray(BODY)
    flipped[700_000] ^= 1
    server.script = [Reply(drop_after=500_000), Reply(body=bytes(flipped)), Reply()]
    fetch(one(server), lake)
    assert body(lake) == BODY
    ranges = [wanted for _, wanted, _ in server.asked]
    assert ranges[1] and ranges[2] is None and len(ranges) == 3


def test_the_same_flipped_byte_twice_is_given_up(lake: Lake, server: Server):
    server.script = [Reply(drop_after=500_000), *[Reply(body=BODY[:-1] + b"x")] * 9]
    with pytest.raises(ChecksumError, match=r"a\.bin has md5.*Nothing of it is kept"):
        fetch(one(server), lake)
    assert len(server.asked) == 3


def test_an_expired_link_is_asked_for_again_where_it_came_from(
    lake: Lake, server: Server, elsewhere: Server
):
    signed = {"Location": f"{elsewhere.url}/signed?signature=TOPSECRET"}
    server.pages = {"/a.bin": Reply(302, signed)}
    elsewhere.script = [Reply(drop_after=500_000), Reply(403), Reply()]
    fetch(one(server), lake)
    assert body(lake) == BODY and len(server.asked) == 3
    elsewhere.script = [Reply(403)] * 9
    (lake.raw("d") / "a.bin").unlink()
    with pytest.raises(FetchError, match=r"/a\.bin: HTTP 403 after a redirect") as error:
        fetch(one(server), lake)
    assert "TOPSECRET" not in str(error.value)


def test_a_refusal_without_a_redirect_is_final(lake: Lake, server: Server):
    server.script = [Reply(403)]
    with pytest.raises(FetchError, match="HTTP 403") as error:
        fetch(one(server), lake)
    assert (error.value.code, len(server.asked)) == ("http_403", 1)


def test_redirects_in_a_circle_end(lake: Lake, server: Server):
    server.pages = {"/a.bin": Reply(302, {"Location": "/a.bin"})}
    with pytest.raises(FetchError, match="redirect"):
        fetch(one(server), lake)


def test_a_full_disk_while_writing_keeps_what_came(
    lake: Lake, server: Server, monkeypatch: pytest.MonkeyPatch
):
    opened = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self._file, self._left = file, 300_000

        def write(self, data: bytes) -> int:
            self._left -= len(data)
            if self._left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self._file.write(data)

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *error: object) -> None:
            self._file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    def limited(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        file = opened(self, mode, *rest, **more)
        return Full(file) if self.suffix == ".part" and mode in ("wb", "r+b") else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", limited)
        with pytest.raises(FetchError, match=r"no room left on its disk.*make room") as error:
            fetch(one(server), lake)
    assert error.value.code == "no_room"
    kept = (lake.raw("d") / "a.bin.part").stat().st_size
    assert 0 < kept <= 300_000
    fetch(one(server), lake)
    assert body(lake) == BODY and server.asked[-1][1] == f"bytes={kept}-"


def test_archives_come_side_by_side_and_in_their_order(lake: Lake, server: Server):
    many = [Archive(name=f"{k}.bin", url=f"{server.url}/{k}.bin", checksum=MD5) for k in range(9)]
    fetch(dataset(*many), lake)
    lines = pq.read_table(lake.fetches("d")).to_pylist()
    assert [line["archive"] for line in lines] == [archive.name for archive in many]
    assert {path for path, _, _ in server.asked} == {f"/{k}.bin" for k in range(9)}
    assert server.most_at_once <= 2  # at one host


def test_what_one_archive_lacks_stops_the_others_and_keeps_their_parts(lake: Lake, server: Server):
    server.pages = {"/0.bin": Reply(404), **{f"/{k}.bin": Reply() for k in range(1, 9)}}
    many = [Archive(name=f"{k}.bin", url=f"{server.url}/{k}.bin", checksum=MD5) for k in range(9)]
    with pytest.raises(FetchError, match=r"0\.bin could not be downloaded: .*HTTP 404"):
        fetch(dataset(*many), lake)
    assert not lake.fetches("d").exists()
    before = [path for path, _, _ in server.asked]
    done = {path.name for path in lake.raw("d").glob("?.bin")}
    server.pages = {}
    fetch(dataset(*many), lake)
    again = {path[1:] for path, _, _ in server.asked[len(before) :]}
    assert not again & done


def test_refresh_hashes_and_fetches_what_is_wrong_or_changed(lake: Lake, server: Server):
    tagged = {"ETag": '"v1"'}
    server.pages = {"/a.bin": Reply(headers=tagged)}
    facts = one(server, None)
    fetch(facts, lake)
    fetch(facts, lake, refresh=True)
    assert len(server.asked) == 2  # the second only looks
    newer = hashlib.sha256(BODY).digest() * 9
    server.pages = {"/a.bin": Reply(headers={"ETag": '"v2"'}, body=newer)}
    fetch(facts, lake)
    assert len(server.asked) == 2 and body(lake) == BODY
    fetch(facts, lake, refresh=True)
    assert body(lake) == newer
    (line,) = pq.read_table(lake.fetches("d")).to_pylist()
    assert line["etag"] == '"v2"'
    rotten = bytearray(newer)
    rotten[5] ^= 1
    (lake.raw("d") / "a.bin").write_bytes(rotten)
    fetch(facts, lake, refresh=True)
    assert body(lake) == newer
    server.script = [Reply(503)]  # nobody says that it changed
    fetch(facts, lake, refresh=True)
    assert body(lake) == newer


def test_refresh_of_a_given_copy_hashes_it_again(lake: Lake, tmp_path: Path):
    given = tmp_path / "given"
    given.mkdir()
    (given / "x.csv").write_text("a\n1\n")
    facts = dataset(Archive(name="a.zip"), access=Access(kind="agreement", how="Ask X."))
    fetch(facts, lake, given)
    before = pq.read_table(lake.fetches("d")).to_pylist()
    fetch(facts, lake, refresh=True)
    after = pq.read_table(lake.fetches("d")).to_pylist()
    assert after[0]["retrieved"] > before[0]["retrieved"]
    assert after[0]["sha256"] == before[0]["sha256"]
