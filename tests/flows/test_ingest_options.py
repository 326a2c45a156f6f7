"""Sounds fetched one by one, a limit, choices and a refresh on the way from archives to pairs."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from flows import datasets, secrets
from flows.datasets import DatasetFile, with_choices
from flows.ingest import ingest
from flows.steps import download
from flows.steps.lake import Lake
from flows.steps.release import Ingested
from publisher import Reply, Server, serving
from schemas import RequestError

FILE = """
from schemas import Access, Archive, Choice, Dataset, Remote, Row

DATASET = Dataset(
    name="street",
    title="Street sounds",
    homepage="https://example.org/street",
    licence="CC-BY-4.0",
    citation="Walker: Street sounds",
    archives=(Archive(name="list.csv", url="{url}/list.csv"),),
    access=Access(kind="youtube"),
    splits=("train",),
    train=("train",),
    templates=("audio_captioning",),
    choices=(Choice(name="case", value="lower", others=("upper",), why="The paper is silent."),),
)


def rows(raw):
    for number, line in enumerate(raw.csv("list.csv"), start=2):
        text = line["text"].upper() if raw.choice("case") == "upper" else line["text"]
        yield Row(row_id=f"list.csv:{{number}}", clip=line["id"] + ".wav", split="train",
                  caption=f"{{raw.choice('case')}} {{text}}")


def remotes(raw):
    for line in raw.csv("list.csv"):
        yield Remote(name=line["id"] + ".wav", url="{url}/" + line["id"])
"""
COUNT = 12


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    with serving() as server:
        lines = "".join(f"{k},sound number {k}\n" for k in range(COUNT))
        server.pages["/list.csv"] = Reply(body=f"id,text\n{lines}".encode())
        for k in range(COUNT):
            out = io.BytesIO()
            wave = 0.3 * np.sin(np.arange(8_000) * (k + 1) / 50)
            soundfile.write(out, wave, 16_000, format="WAV")
            server.pages[f"/{k}"] = Reply(body=out.getvalue())
        yield server


@pytest.fixture
def street(server: Server, tmp_path: Path) -> DatasetFile:
    (tmp_path / "street.py").write_text(FILE.format(url=server.url))
    return datasets.load(str(tmp_path / "street.py"))


def clips(lake: Lake, done: Ingested) -> set[str]:
    return set(pq.read_table(lake.clips(done.dataset, done.audio))["name"].to_pylist())


def reasons(lake: Lake, done: Ingested) -> dict[str, str]:
    lines = pq.read_table(lake.rejected(done.dataset, "audio", done.audio)).to_pylist()
    return {line["subject"]: line["reason"] for line in lines}


def outputs(lake: Lake, done: Ingested) -> set[str]:
    return set(pq.read_table(lake.pairs(done.dataset, done.pairs))["output"].to_pylist())


def test_sounds_fetched_one_by_one_become_pairs_and_absences_have_their_reason(
    lake: Lake, server: Server, street: DatasetFile
) -> None:
    server.pages["/3"] = Reply(404)
    server.pages["/4"] = Reply(403)
    done = ingest(lake, street)
    assert clips(lake, done) == {f"{k}.wav" for k in range(COUNT)} - {"3.wav", "4.wav"}
    found = reasons(lake, done)
    assert found.keys() == {"3.wav", "4.wav"}
    assert "http_404" in str(
        pq.read_table(lake.rejected("street", "audio", done.audio)).to_pylist()
    )
    asked = len(server.asked)
    assert ingest(lake, street) == done and len(server.asked) == asked
    server.pages["/4"] = server.pages["/5"]
    again = ingest(lake, street, refresh=True)
    assert clips(lake, again) - clips(lake, done) == {"4.wav"}
    assert "/3" not in {path for path, _, _ in server.asked[asked:]}


def test_a_given_copy_is_not_fetched_one_by_one(
    lake: Lake, server: Server, street: DatasetFile, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "list.csv").write_bytes(server.pages["/list.csv"].body)
    (copy / "0.wav").write_bytes(server.pages["/0"].body)
    (copy / "extra.txt").write_text("x")
    street = street._replace(
        dataset=street.dataset.model_copy(
            update={"archives": (street.dataset.archives[0].model_copy(update={"name": "a.zip"}),)}
        )
    )
    done = ingest(lake, street, copy)
    assert clips(lake, done) == {"0.wav"} and not server.asked
    assert ingest(lake, street) == done and not server.asked


def test_a_limit_keeps_the_same_clips_every_time_and_fetches_no_other(
    lake: Lake, server: Server, street: DatasetFile, tmp_path: Path
) -> None:
    few = ingest(lake, street, max_clips=4)
    kept = clips(lake, few)
    assert len(kept) == 4 and reasons(lake, few) == {}
    assert {path for path, _, _ in server.asked} == {"/list.csv"} | {f"/{n[:-4]}" for n in kept}
    more = ingest(lake, street, max_clips=7)
    assert kept < clips(lake, more) and len(clips(lake, more)) == 7
    every = ingest(lake, street)
    assert len(clips(lake, every)) == COUNT
    assert ingest(lake, street, max_clips=COUNT) == every
    assert ingest(lake, street, max_clips=4) == few  # after all came
    assert reasons(lake, few) == {}
    other = Lake.create(tmp_path / "other")
    assert ingest(other, street, max_clips=4) == few
    with pytest.raises(RequestError, match="max_clips is 0; expected 1 or more"):
        ingest(lake, street, max_clips=0)


def test_a_choice_changes_the_rows_and_their_version(
    lake: Lake, server: Server, street: DatasetFile
) -> None:
    lower = ingest(lake, street)
    louder = street._replace(dataset=with_choices(street.dataset, {"case": "upper"}))
    upper = ingest(lake, louder)
    assert ingest(lake, street) == lower
    assert upper.rows != lower.rows and upper.audio == lower.audio
    assert "lower sound number 7" in outputs(lake, lower)
    assert "upper sound number 7" in outputs(lake, upper)


def test_keys_come_from_secret_blocks_where_the_environment_has_none(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.blocks.system import Secret

    for name in secrets.BLOCKS:
        monkeypatch.setenv(name, "")
    secrets.fill_keys()
    assert [secrets.os.environ[name] for name in secrets.BLOCKS] == ["", ""]
    Secret(value="from the block").save("freesound-token", overwrite=True)
    monkeypatch.setenv("HF_TOKEN", "mine")
    Secret(value="from the block").save("hf-token", overwrite=True)
    secrets.fill_keys()
    assert secrets.os.environ["FREESOUND_TOKEN"] == "from the block"
    assert secrets.os.environ["HF_TOKEN"] == "mine"
