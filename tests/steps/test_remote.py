"""Sounds fetched one by one: settled once, killed at any moment, gone and failed told apart."""

import hashlib
import multiprocessing
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.steps import crowd
from flows.steps import download as downloading
from flows.steps.archives import RawTree
from flows.steps.download import FetchError
from flows.steps.fetch import fetch, raw_tree
from flows.steps.journal import Journal
from flows.steps.lake import Lake
from flows.steps.remote import Remotes, fetch_remotes
from publisher import BODY, Reply, Server, dataset
from schemas import Archive, Dataset, Remote
from schemas.tables import REMOTES


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for, in seconds; none of them is waited."""
    found: list[float] = []
    monkeypatch.setattr(downloading.time, "sleep", found.append)
    return found


def sounds(server: Server, count: int, start: int = 0) -> list[Remote]:
    for k in range(start, start + count):
        server.pages[f"/{k}.wav"] = Reply(body=b"sound %d" % k)
    return [
        Remote(name=f"clips/{k}.wav", url=f"{server.url}/{k}.wav")
        for k in range(start, start + count)
    ]


def settle(lake: Lake, remotes: list[Remote], facts: Dataset | None = None, **how: object):
    inputs = (repr(remotes),)
    return fetch_remotes(facts or dataset(), lake, lambda: iter(remotes), inputs, **how)


def ledger(lake: Lake) -> list[dict[str, object]]:
    table = pq.read_table(lake.remotes("d"))
    assert table.schema.equals(REMOTES)
    return table.to_pylist()


def test_each_sound_is_in_the_tree_under_its_name_and_asked_for_once(lake: Lake, server: Server):
    archive = Archive(name="list.csv", url=f"{server.url}/list.csv")
    server.pages["/list.csv"] = Reply(body=b"a,b\n1,2\n")
    facts = dataset(archive)
    fetch(facts, lake)
    remotes = sounds(server, 50)
    found = settle(lake, remotes, facts)
    raw = raw_tree(facts, lake, found.source)
    assert raw.names() == [*sorted(f"clips/{k}.wav" for k in range(50)), "list.csv"]
    member = next(raw.stream({"clips/7.wav"}))
    assert (member.data, member.archive) == (b"sound 7", "remote")
    assert raw.open("clips/7.wav").read() == b"sound 7"
    assert [source.name for source in raw.sources] == ["list.csv", "remote"]
    lines = {line["name"]: line for line in ledger(lake)}
    line = lines["clips/7.wav"]
    assert (line["status"], line["bytes"], line["reason"]) == ("ok", 7, None)
    assert line["sha256"] == hashlib.sha256(b"sound 7").hexdigest()
    asked = len(server.asked)
    assert settle(lake, remotes, facts) == found
    assert len(server.asked) == asked
    assert server.most_at_once <= 4


def test_the_source_follows_the_bytes_and_not_the_time(lake: Lake, server: Server, tmp_path: Path):
    remotes = sounds(server, 5)
    first = settle(lake, remotes).source.sha256
    other = Lake.create(tmp_path / "other")
    assert settle(other, remotes).source.sha256 == first
    server.pages["/3.wav"] = Reply(body=b"another")
    third = Lake.create(tmp_path / "third")
    assert settle(third, remotes).source.sha256 != first


def test_what_is_gone_and_what_failed_has_its_reason_and_stops_nothing(lake: Lake, server: Server):
    remotes = sounds(server, 6)
    server.pages["/1.wav"] = Reply(404)
    server.pages["/2.wav"] = Reply(410)
    server.pages["/3.wav"] = Reply(403)
    server.pages["/4.wav"] = Reply(503)
    found = settle(lake, remotes)
    assert found.absent == {
        "clips/1.wav": "http_404",
        "clips/2.wav": "http_410",
        "clips/3.wav": "http_403",
        "clips/4.wav": "http_503",
    }
    assert Counter(line["status"] for line in ledger(lake)) == {"ok": 2, "gone": 2, "failed": 2}
    asked = len(server.asked)
    server.pages |= {f"/{k}.wav": Reply(body=b"back") for k in (1, 2, 3, 4)}
    assert settle(lake, remotes) == found and len(server.asked) == asked
    again = settle(lake, remotes, refresh=True)
    assert again.absent == {"clips/1.wav": "http_404", "clips/2.wav": "http_410"}
    assert sorted(path for path, _, _ in server.asked[asked:]) == ["/3.wav", "/4.wav"]


def test_more_sounds_later_ask_for_the_new_ones_only(lake: Lake, server: Server):
    remotes = sounds(server, 10)
    settle(lake, remotes[:4])
    asked = len(server.asked)
    fewer = settle(lake, remotes[:2])
    assert len(server.asked) == asked
    assert raw_names(fewer) == ["clips/0.wav", "clips/1.wav"]
    settle(lake, remotes)
    assert len(server.asked) == asked + 6


def raw_names(found: Remotes) -> list[str]:
    return RawTree([found.source]).names()


def test_a_lost_or_rotten_sound_is_fetched_again(lake: Lake, server: Server):
    remotes = sounds(server, 4)
    settle(lake, remotes)
    (lake.remote("d") / "clips" / "1.wav").unlink()
    asked = len(server.asked)
    settle(lake, remotes)
    assert [path for path, _, _ in server.asked[asked:]] == ["/1.wav"]
    (lake.remote("d") / "clips" / "2.wav").write_bytes(b"s0und 2")
    settle(lake, remotes, refresh=True)
    assert [path for path, _, _ in server.asked[asked + 1 :]] == ["/2.wav"]
    assert (lake.remote("d") / "clips" / "2.wav").read_bytes() == b"sound 2"


def test_another_address_of_a_name_is_another_sound(lake: Lake, server: Server):
    (remote,) = sounds(server, 1)
    settle(lake, [remote])
    server.pages["/other.wav"] = Reply(body=b"other")
    settle(lake, [remote.model_copy(update={"url": f"{server.url}/other.wav"})])
    assert (lake.remote("d") / "clips" / "0.wav").read_bytes() == b"other"


@pytest.mark.parametrize(
    "name", ["../x.wav", "/x.wav", "a/../../x.wav", "C:/x.wav", "a\\..\\x.wav", "", "a//b.wav", "."]
)
def test_a_name_that_would_leave_its_folder_is_refused(name: str, lake: Lake, server: Server):
    with pytest.raises(FetchError, match="would leave its folder"):
        settle(lake, [*sounds(server, 2), Remote(name=name, url=f"{server.url}/x")])
    assert not (lake.root / "x.wav").exists()


def test_two_addresses_of_one_name_are_refused_and_one_is_asked_once(lake: Lake, server: Server):
    (remote,) = sounds(server, 1)
    settle(lake, [remote, remote])
    assert len(server.asked) == 1
    other = remote.model_copy(update={"url": f"{server.url}/1.wav"})
    with pytest.raises(FetchError, match="has two addresses"):
        settle(lake, [remote, other])


def test_without_a_network_nothing_is_recorded_as_failed(lake: Lake):
    remotes = [Remote(name=f"{k}.wav", url="http://127.0.0.1:9/x") for k in range(100)]
    with pytest.raises(FetchError, match=r"d: \d+ of \d+ sounds could not be reached.*Run again"):
        settle(lake, remotes)
    assert not list(Journal(lake.raw("d") / "remotes.jsonl").lines())
    assert not lake.remotes("d").exists()
    with pytest.raises(FetchError, match="1 of 1 sounds could not be reached"):
        settle(lake, remotes[:1])


def test_a_network_that_breaks_down_on_the_way_stops_the_run(
    lake: Lake, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(crowd, "_THREADS", 1)
    dead = [Remote(name=f"dead/{k}.wav", url="http://127.0.0.1:9/x") for k in range(100)]
    with pytest.raises(FetchError, match="could not be reached"):
        settle(lake, [*sounds(server, 30), *dead])
    lines = list(Journal(lake.raw("d") / "remotes.jsonl").lines())
    assert Counter(line["status"] for line in lines) == {"ok": 30}


def test_one_dead_host_among_others_is_a_failure_of_its_sounds(lake: Lake, server: Server):
    alive = sounds(server, 60)
    dead = [Remote(name=f"dead/{k}.wav", url="http://127.0.0.1:9/x") for k in range(5)]
    found = settle(lake, [*alive[:40], *dead, *alive[40:]])
    assert found.absent == {remote.name: "unreachable" for remote in dead}


def test_a_mirror_has_them_all_under_their_names(lake: Lake, server: Server):
    server.pages = {
        "/d/remote/clips/a%20b.wav": Reply(body=b"one"),
        "/d/remote/clips/c.wav": Reply(404),
    }
    remotes = [
        Remote(name="clips/a b.wav", url="youtube:abcdefghijk", start=30, end=40),
        Remote(name="clips/c.wav", url="freesound:7"),
    ]
    found = settle(lake, remotes, base=f"{server.url}/")
    assert found.absent == {"clips/c.wav": "http_404"}
    assert [line["url"] for line in ledger(lake)] == [
        "mirror:youtube:abcdefghijk#t=30,40",
        "mirror:freesound:7",
    ]


def _fetch_slowly(root: Path, url: str, count: int) -> None:
    remotes = [Remote(name=f"{k}.wav", url=f"{url}/{k}.wav") for k in range(count)]
    fetch_remotes(dataset(), Lake.open(root), lambda: iter(remotes), ("x",))


@pytest.mark.slow
def test_killed_at_any_moment_nothing_finished_is_fetched_again(lake: Lake, server: Server):
    count = 120
    for k in range(count):
        server.pages[f"/{k}.wav"] = Reply(body=BODY[: 1000 + k])
    context = multiprocessing.get_context("spawn")
    journal, folder = lake.raw("d") / "remotes.jsonl", lake.remote("d")
    for lines in (1, 30):
        child = context.Process(target=_fetch_slowly, args=(lake.root, server.url, count))
        child.start()
        assert child.pid
        while child.is_alive() and (not journal.exists() or _lines(journal) < lines):
            pass  # the moment is what the journal says
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    finished = {f"/{path.name}" for path in folder.glob("*.wav")}
    assert 30 <= len(finished) < count
    asked = len(server.asked)
    _fetch_slowly(lake.root, server.url, count)
    again = {path for path, _, _ in server.asked[asked:]}
    assert not again & finished and len(again) == count - len(finished)
    for k in range(count):
        assert (folder / f"{k}.wav").read_bytes() == BODY[: 1000 + k]
    assert Counter(line["status"] for line in ledger(lake)) == {"ok": count}


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def test_forty_thousand_settled_sounds_are_passed_in_linear_time(lake: Lake):
    lake.raw("d").mkdir(parents=True)

    def took(count: int) -> float:
        line = '{"name": "%d", "url": "http://x/%d", "status": "gone", "reason": "http_404", '
        line += '"retrieved": "2024-01-01"}\n'
        text = "".join(line % (k, k) for k in range(count))
        (lake.raw("d") / "remotes.jsonl").write_text(text)
        remotes = [Remote(name=str(k), url=f"http://x/{k}") for k in range(count)]
        began = time.process_time()
        found = fetch_remotes(dataset(), lake, lambda: iter(remotes), (str(count),))
        assert len(found.absent) == count
        return time.process_time() - began

    took(1000)
    assert took(40_000) < 12 * took(10_000)
