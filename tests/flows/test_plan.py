"""The plan: what a profile covers, what it costs by the publishers' counts, what is left out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows import datasets
from flows.datasets import UnknownChoice, with_choices
from flows.estimate import Estimate, estimate, total
from schemas import Access, Archive, Choice, Dataset

Command = Callable[..., Any]

EVALUATED = {  # the downstream sets of the paper's section 4.2, Table 2 and Table 3
    *("esc50", "fsd50k", "urbansound8k", "dcase2017_task4", "audioset", "gtzan_music_speech"),
    *("gtzan_genres", "beijing_opera", "nsynth", "tut2017", "crema_d", "ravdess", "vocalsound"),
    *("sesa", "esc50_actions", "clotho_v2", "audiocaps", "clotho_aqa"),
}


def test_the_eighteen_sources_and_every_evaluation_set_are_there(shared_facts: Path) -> None:
    sound, speech = (
        yaml.safe_load((shared_facts / name).read_text())
        for name in (
            "datasets_sound_scene_music.yaml",
            "datasets_speech_caption_auxiliary.yaml",
        )
    )
    sources = {*sound["training_sources"], *speech["datasets"]}
    files = [datasets.load(name) for name in datasets.names()]
    assert len(sources) == 18
    assert {f.dataset.name for f in files if f.dataset.train and f.dataset.paper} == sources
    assert {f.dataset.name for f in files if f.benchmarks and f.dataset.paper} == EVALUATED


def planned(pengi: Command, *options: object) -> tuple[int, dict[str, Any]]:
    said = pengi("plan", "--json", *options)
    return said.code, json.loads(said.out)


def test_what_needs_an_agreement_or_a_key_is_left_out_with_its_reason(
    pengi: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FREESOUND_TOKEN", raising=False)
    code, plan = planned(pengi, "--profile", "paper", "--lake", tmp_path / "lake")
    there = {line["dataset"] for line in plan["datasets"] if line["obtain"] != "left out"}
    assert code == 1  # this machine has no 6 TB
    assert not there & plan["skipped"].keys()
    assert plan["total"]["all"]["pairs"] > plan["total"]["here"]["pairs"] > 900_000
    assert {"msp_podcast", "freesound", "findsounds"} <= plan["skipped"].keys()
    assert there | plan["skipped"].keys() == {
        name for name in datasets.names() if datasets.load(name).dataset.paper
    }
    assert plan["skipped"]["msp_podcast"].startswith("agreement: ")
    assert "--raw msp_podcast=DIR" in plan["skipped"]["msp_podcast"]
    assert plan["skipped"]["freesound"].startswith("key: FREESOUND_TOKEN is not set")

    monkeypatch.setenv("FREESOUND_TOKEN", "t0ken")
    copy = ("--raw", f"msp_podcast={tmp_path}")
    _, plan = planned(pengi, "--profile", "paper", *copy, "--lake", tmp_path / "lake")
    found = {line["dataset"]: line for line in plan["datasets"]}
    assert found["msp_podcast"]["obtain"] == "local copy"
    assert found["freesound"]["obtain"] == "key"
    _, plan = planned(pengi, "--profile", "open", "--lake", tmp_path / "lake")
    assert plan["skipped"]["freesound"].startswith("profile open needs no key")


def test_what_is_named_is_missing_and_not_left_out(pengi: Command, tmp_path: Path) -> None:
    where = ("--lake", tmp_path / "lake")
    named = ("--profile", "small", "--datasets", "msp_podcast")
    code, plan = planned(pengi, *named, *where)
    assert (code, plan["skipped"]) == (1, {})
    assert any(line.startswith("msp_podcast: agreement: ") for line in plan["missing"])
    gone = ("--raw", f"msp_podcast={tmp_path / 'nowhere'}")
    _, plan = planned(pengi, *named, *gone, *where)
    assert any("no such directory" in line for line in plan["missing"])


def test_the_plan_prints_a_table_and_every_reason(pengi: Command, tmp_path: Path) -> None:
    said = pengi("plan", "--profile", "paper", "--reasons", "--lake", tmp_path / "lake")
    lines = said.out.splitlines()
    assert lines[0].split() == [
        *("dataset", "obtain", "download", "GB", "disk", "GB", "hours", "clips", "pairs"),
        "benchmarks",
    ]
    clotho = next(line.split() for line in lines if line.startswith("clotho_v2"))
    assert clotho[6] == "19,195"  # 3839 files of development, five captions each
    assert any(line.endswith("of the paper's 3,400,000") for line in lines)
    for name in datasets.names():
        for choice in datasets.load(name).dataset.choices:
            assert f"choice: {name}.{choice.name}={choice.value}" in said.out


def dataset(**facts: Any) -> Dataset:
    return Dataset(
        **{
            "name": "d",
            "title": "D",
            "homepage": "https://example.org",
            "licence": "CC0-1.0",
            "citation": "C",
            "archives": (Archive(name="a.zip", bytes=10**9), Archive(name="b.zip", bytes=500)),
            "access": Access(),
            "splits": ("train", "dev", "test"),
            "templates": ("speech_emotion_recognition", "speech_sentiment_recognition"),
            "expected_clips": {"train": 100, "dev": 10, "test": 20},
            "expected_rows": {"train": 300},
            "hours": 2.0,
        }
        | facts
    )


def test_estimates_are_sums_of_what_is_published() -> None:
    found = estimate(dataset(), ("train", "dev"))
    # FLAC 211 MB/h, int16 44,100 x 2 x 3,600 = 317.52 MB/h
    expected = {"download": 1_000_000_500, "disk": 1_000_000_500 + 1_057_040_000, "hours": 2.0}
    assert found.model_dump() == expected | {"clips": 130, "pairs": 620}
    assert estimate(dataset(expected_clips={}), ("train", "dev")).pairs is None
    assert estimate(dataset(archives=(Archive(name="a"),)), ()).download is None
    assert estimate(dataset(archives=(Archive(name="a"),), bytes=7), ()).download == 7
    unknown = Estimate(download=None, disk=None, hours=None, clips=None, pairs=None)
    assert total([found, unknown, found]).pairs == 1240
    assert total([unknown]) == unknown


def test_a_choice_must_be_known() -> None:
    bins = Choice(name="bins", value="two", others=("three", "seven"), why="the paper is silent")
    (chosen,) = with_choices(dataset(choices=(bins,)), {"bins": "seven"}).choices
    assert (chosen.value, chosen.others) == ("seven", ("two", "three"))
    for wrong in ({"bins": "nine"}, {"edges": "two"}):
        with pytest.raises(UnknownChoice, match=r"Expected one of bins=two\|three\|seven"):
            with_choices(dataset(choices=(bins,)), wrong)
