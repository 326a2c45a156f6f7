"""Names that stay in their folder, addresses of the hub, keys that stay with it, a torn journal."""

import json
import logging
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.steps import addresses, gate, polite
from flows.steps.fetch import FetchError, fetch
from flows.steps.gate import inside
from flows.steps.journal import Journal
from flows.steps.lake import Lake
from publisher import Reply, Server, one


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for, in seconds; none of them is waited."""
    found: list[float] = []
    monkeypatch.setattr(polite.time, "sleep", found.append)
    return found


def test_a_hub_file_is_asked_for_by_revision_and_the_key_stays_with_the_hub(
    lake: Lake, server: Server, elsewhere: Server, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
    monkeypatch.setenv("HF_TOKEN", "hf_TOPSECRET")
    moved = {"Location": f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/blob"}
    server.pages = {"/datasets/o/n/resolve/85a0c2/Zip%20files/a.bin": Reply(302, moved)}
    fetch(one(server, url="hf://datasets/o/n@85a0c2/Zip files/a.bin"), lake)
    assert server.keys == ["Bearer hf_TOPSECRET"] and elsewhere.keys == [None]
    assert pq.read_table(lake.fetches("d"))["url"].to_pylist() == [
        "hf://datasets/o/n@85a0c2/Zip files/a.bin"
    ]
    assert "TOPSECRET" not in caplog.text
    assert b"TOPSECRET" not in lake.fetches("d").read_bytes()
    server.pages = {}
    server.script = [Reply(401)]
    with pytest.raises(FetchError) as error:
        fetch(one(server, "md5:00", url="hf://datasets/o/n@85a0c2/b.bin", name="b.bin"), lake)
    assert "HTTP 401, a gated file needs HF_TOKEN" in str(error.value) and "TOPSECRET" not in str(
        error.value
    )


def test_the_hub_is_huggingface_unless_another_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setenv("HF_TOKEN", "t")
    assert addresses.resolved("hf://datasets/cvssp/WavCaps@85a0/Zip_files/x.z01") == (
        "https://huggingface.co/datasets/cvssp/WavCaps/resolve/85a0/Zip_files/x.z01",
        {"Authorization": "Bearer t"},
    )
    assert addresses.resolved("https://zenodo.org/x") == ("https://zenodo.org/x", {})
    monkeypatch.delenv("HF_TOKEN")
    assert addresses.resolved("hf://datasets/o/n@1/x")[1] == {}
    with pytest.raises(addresses.AddressError, match="@REVISION"):
        addresses.resolved("hf://datasets/o/n/x")


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("./\\:"), max_size=12))
def test_no_admitted_name_leaves_its_folder(name: str):
    clean = inside(name)
    if clean:
        place = os.path.normpath(os.path.join("/lake/raw", clean))
        assert place.startswith("/lake/raw/") and place == f"/lake/raw/{clean}"
        assert inside(clean) == clean


def test_a_torn_last_line_is_passed_over_and_cut_off(tmp_path: Path):
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    line = {"name": "a", "url": "u", "status": "ok", "bytes": 1}
    journal.add(line)
    journal.close()
    whole = path.read_bytes()
    for end in range(1, len(whole)):
        path.write_bytes(whole + whole.replace(b'"a"', b'"b"')[:end])
        journal = Journal(path)
        journal.add(line | {"name": "c"})
        journal.close()
        names = [json.loads(text)["name"] for text in path.read_text().splitlines()]
        assert names == ["a", "c"]


def test_requests_to_one_host_have_a_gap(monkeypatch: pytest.MonkeyPatch, waits: list[float]):
    monkeypatch.setattr(polite.time, "monotonic", lambda: 100.0)
    hosts = polite.Hosts(2, 0.5)
    for _ in range(3):
        with hosts.turn("a"):
            pass
    with hosts.turn("b"):
        pass
    assert waits == [0.5, 1.0]


@settings(max_examples=200)
@given(st.text(st.sampled_from("ab./\\:é "), max_size=10))
def test_the_fast_and_the_slow_look_at_a_name_agree(name: str):
    """Against the rules in words: no root, no drive, no step up; empty and "." parts drop out."""
    parts = name.replace("\\", "/").split("/")
    outside = name[:1] in ("/", "\\") or ".." in parts or (name[1:2] == ":" and name[0] in "ab")
    clean = "/".join(part for part in parts if part not in ("", "."))
    assert gate.inside(name) == ("" if outside else clean)
