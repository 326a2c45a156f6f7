"""Freesound's API as its documentation describes it: pages, previews, a key, quotas."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from flows.steps import download, freesound
from flows.steps.download import FetchError, QuotaError
from flows.steps.fetch import fetch, raw_tree
from flows.steps.journal import Journal
from flows.steps.lake import Lake
from flows.steps.remote import fetch_remotes
from publisher import Reply, Server, dataset, serving
from schemas import Access, Archive, Remote

URL = "freesound:search?query=dog+bark&filter=duration%3A%5B0.5+TO+180%5D&fields=id,name,tags"
THROTTLED = b'{"detail": "Request was throttled because of exceeding a request limit rate (%s)"}'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as server:
        monkeypatch.setenv("FREESOUND_ENDPOINT", f"{server.url}/apiv2")
        monkeypatch.setenv("FREESOUND_TOKEN", "TOPSECRET")
        yield server


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(download.time, "sleep", found.append)
    monkeypatch.setattr(freesound, "_PACE", freesound.Hosts(1, 0.0))
    return found


def page(ids: list[int], more: bool, count: int) -> Reply:
    results = [{"name": f"é {number}", "id": number} for number in ids]
    after = "https://freesound.org/next" if more else None
    said = {"count": count, "next": after, "results": results}
    return Reply(200, body=json.dumps(said).encode())


def facts():
    archive = Archive(name="freesound_search.jsonl", url=URL)
    return dataset(archive, access=Access(kind="key", how="Apply for a key."))


def sound(server: Server, number: int) -> Remote:
    preview = {"preview-hq-mp3": f"{server.url}/previews/{number}.mp3"}
    body = json.dumps({"id": number, "previews": preview}).encode()
    server.pages[f"/apiv2/sounds/{number}/"] = Reply(200, body=body)
    server.pages[f"/previews/{number}.mp3"] = Reply(body=b"mp3 %d" % number)
    return Remote(name=f"sounds/{number}.mp3", url=f"freesound:{number}")


def test_a_search_becomes_a_file_of_json_lines(lake: Lake, server: Server):
    server.script = [page([1, 2], True, 3), page([3], False, 3)]
    fetch(facts(), lake)
    lines = raw_tree(facts(), lake).open("freesound_search.jsonl").read().decode().splitlines()
    assert lines == [f'{{"id": {k}, "name": "é {k}"}}' for k in (1, 2, 3)]
    asked = [parse_qs(urlsplit(path).query) for path, _, _ in server.asked]
    assert asked[1] == {
        "query": ["dog bark"],
        "filter": ["duration:[0.5 TO 180]"],
        "fields": ["id,name,tags"],
        "sort": ["created_asc"],
        "page": ["2"],
        "page_size": ["150"],
    }
    assert urlsplit(server.asked[0][0]).path == "/apiv2/search/"
    assert server.keys == ["Token TOPSECRET"] * 2
    assert b"TOPSECRET" not in lake.fetches("d").read_bytes()
    fetch(facts(), lake)
    assert len(server.asked) == 2
    assert sorted(path.name for path in lake.raw("d").iterdir()) == [
        ".lock",
        "fetches.parquet",
        "freesound_search.jsonl",
    ]


def test_a_search_goes_on_tomorrow_after_its_last_whole_page(lake: Lake, server: Server):
    daily = Reply(429, {"Retry-After": "7200"}, body=THROTTLED % b"2000/day", said=True)
    server.script = [page([1, 2], True, 3), daily]
    with pytest.raises(QuotaError, match=r"continues tomorrow: run again after \d{4}-"):
        fetch(facts(), lake)
    part = lake.raw("d") / "freesound_search.jsonl.part"
    part.write_bytes(part.read_bytes() + b'{"torn')
    server.script = [page([3], False, 3)]
    fetch(facts(), lake)
    assert "page=2&" in server.asked[-1][0] + "&"
    lines = (lake.raw("d") / "freesound_search.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2, 3]


def test_a_minute_limit_is_waited_for(lake: Lake, server: Server, waits: list[float]):
    minute = Reply(429, body=THROTTLED % b"60/minute", said=True)
    server.script = [minute, Reply(502), page([1], False, 1)]
    fetch(facts(), lake)
    assert waits == [4.0, 8.0]


def test_previews_come_without_the_key(lake: Lake, server: Server):
    remotes = [sound(server, number) for number in (7, 8, 9)]
    server.pages["/apiv2/sounds/8/"] = Reply(404)
    server.pages["/apiv2/sounds/9/"] = Reply(200, body=b'{"id": 9, "previews": {}}')
    found = fetch_remotes(dataset(), lake, lambda: iter(remotes), ("x",))
    assert found.absent == {"sounds/8.mp3": "http_404", "sounds/9.mp3": "no_preview"}
    assert [line["status"] for line in Journal(lake.raw("d") / "remotes.jsonl").lines()].count(
        "gone"
    ) == 1
    assert (lake.remote("d") / "sounds" / "7.mp3").read_bytes() == b"mp3 7"
    asked = [path.partition("?")[0] for path, _, _ in server.asked]
    keys = dict(zip(asked, server.keys, strict=True))
    assert keys["/apiv2/sounds/7/"] == "Token TOPSECRET"
    assert keys["/previews/7.mp3"] is None
    assert b"TOPSECRET" not in (lake.raw("d") / "remotes.jsonl").read_bytes()


def test_the_daily_quota_ends_the_run_and_a_later_one_goes_on(
    lake: Lake, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(freesound, "DAILY", 10)
    remotes = [sound(server, number) for number in range(25)]
    for day, done in (("2026-01-01", 10), ("2026-01-02", 20)):
        monkeypatch.setattr("flows.steps.carrier.now", lambda day=day: f"{day}T00:00:00+00:00")
        monkeypatch.setattr("flows.steps.remote.now", lambda day=day: f"{day}T00:00:00+00:00")
        for _ in range(2):  # the second run of a day has nothing left to ask for
            with pytest.raises(QuotaError, match=r"10 requests a day.*run again after"):
                fetch_remotes(dataset(), lake, lambda: iter(remotes), ("x",))
            asked = [path for path, _, _ in server.asked if path.startswith("/apiv2")]
            assert len(asked) == done
        assert not lake.remotes("d").exists()
    monkeypatch.setattr("flows.steps.carrier.now", lambda: "2026-01-03T00:00:00+00:00")
    monkeypatch.setattr("flows.steps.remote.now", lambda: "2026-01-03T00:00:00+00:00")
    found = fetch_remotes(dataset(), lake, lambda: iter(remotes), ("x",))
    assert found.absent == {}
    assert len({path for path, _, _ in server.asked}) == len(server.asked) == 50


def test_no_key_or_a_wrong_one_is_named_and_not_shown(
    lake: Lake, server: Server, monkeypatch: pytest.MonkeyPatch
):
    server.script = [Reply(401)]
    with pytest.raises(FetchError, match=r"refuses the key in FREESOUND_TOKEN") as error:
        fetch(facts(), lake)
    assert "TOPSECRET" not in str(error.value)
    monkeypatch.delenv("FREESOUND_TOKEN")
    with pytest.raises(FetchError, match=r"no FREESOUND_TOKEN.*apiv2/apply"):
        fetch(facts(), lake)
    with pytest.raises(FetchError, match="no FREESOUND_TOKEN"):
        fetch_remotes(dataset(), lake, lambda: iter([sound(server, 1)]), ("x",))
    assert not list(Journal(lake.raw("d") / "remotes.jsonl").lines())


def test_another_search_starts_again(lake: Lake, server: Server, tmp_path: Path):
    part = tmp_path / "s.jsonl.part"
    part.write_text("{}\n")
    part.with_suffix(".pages").write_text('{"address": "another", "page": 9, "bytes": 3}')
    server.script = [page([5], False, 1)]
    with httpx.Client() as client:
        freesound.search(client, URL, part, lambda *_: None)
    assert part.read_text() == '{"id": 5, "name": "é 5"}\n'
