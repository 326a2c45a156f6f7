"""What the command line says to a wrong request: one paragraph, exit code 2, nothing written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["results", "--lake", "{absent}"], "is not a lake"),
        (["trace", "0" * 32, "--lake", "{absent}"], "is not a lake"),
        (["ingest", "esc55", "--lake", "{absent}"], "unknown dataset 'esc55'"),
        (["ingest", "esc50", "--speed", "9"], "No such option: --speed"),
        (["run", "--profile", "huge", "--lake", "{absent}"], "profile: Input should be 'mini'"),
        (["run", "--datasets", "nope", "--lake", "{absent}"], "unknown dataset 'nope'"),
        (["run", "--raw", "esc10", "--lake", "{absent}"], "expected NAME=VALUE"),
        (
            ["run", "--datasets", "esc10", "--train", "esc10:fold9", "--lake", "{absent}"],
            "esc10 has no split 'fold9'; it has fold1, fold2, fold3, fold4, fold5",
        ),
        (
            ["run", "--train", "esc10:fold1", "--test", "esc10:fold1", "--lake", "{absent}"],
            "fold1 is both a training and a test split",
        ),
        (
            ["run", "--datasets", "esc10", "--test", "esc10:fold3", "--lake", "{absent}"],
            "split fold3 would be trained on and tested on",
        ),
        (
            ["run", "--datasets", "esc10", "--raw", "esc50=.", "--lake", "{absent}"],
            "--raw names esc50, which is no dataset of this run",
        ),
        (["run", "--runs", "clap,penguin", "--lake", "{absent}"], "no run penguin"),
        (["train", "pengi", "--lake", "{absent}"], "is not a lake"),
        (["evaluate", "pengi", "--lake", "{absent}"], "is not a lake"),
        (["steps", "--step", "3", "--run", "pengi", "--lake", "{absent}"], "is not a lake"),
        (["generate", "a.wav", "--model", "{absent}"], "no such model"),
    ],
)
def test_a_wrong_request(arguments: list[str], said: str, pengi: Command, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    answer = pengi(*(part.format(absent=absent) for part in arguments))
    assert answer.code == 2
    assert said in answer.err.replace("\n", " ")
    assert "Traceback" not in answer.err
    assert not absent.exists()


def test_the_paper_is_refused_at_once_with_all_that_is_missing(
    pengi: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    answer = pengi("run", "--profile", "paper", "--lake", tmp_path / "lake")
    assert answer.code == 2
    for reason in ("GPU: ", "disk: "):
        assert reason in answer.err
    assert not (tmp_path / "lake").exists()


def test_the_plan_lists_every_dataset(pengi: Command, tmp_path: Path) -> None:
    answer = pengi("plan", "--lake", tmp_path / "lake", "--json")
    assert answer.code == 0
    found = {line["dataset"]: line for line in json.loads(answer.out)["datasets"]}
    assert found["nsynth"]["benchmarks"] == [
        f"nsynth_{field}" for field in ("instrument", "pitch", "velocity", "qualities")
    ]
    assert (found["esc50"]["train"], found["esc50"]["obtain"]) == ([], "synthesised")
    assert not (tmp_path / "lake").exists()


def test_a_folder_that_is_no_lake_is_left_alone(pengi: Command, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    answer = pengi("ingest", "esc10", "--mini", "--lake", tmp_path)
    assert answer.code == 2
    assert "is not empty and is not a lake" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
