"""Every run of the paper's tables, trained a few steps in one flow, and asked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from prefect.client.orchestration import get_client
from safetensors.torch import load_file

from flows import pengi as stops
from flows.params import Params
from flows.pengi import RunsFailed
from flows.pengi import pengi as flow
from flows.runs import RUNS, UnknownRun, asked_for
from flows.steps.lake import Lake
from flows.train import read_run
from pengi_model import Clap, Pengi
from schemas import Run

ROWS = ("clap", "pengi", "frozen_pengi", "single_task_caption", "no_text_encoder")
ROWS += ("lm_prompt_only", "clap_star")


@pytest.fixture(scope="module")
def made(prefect_server: None, short_runs: None, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of profile mini with sounds to name and sounds to describe, and all runs on them."""
    root = tmp_path_factory.mktemp("all") / "lake"
    flow(Params(profile="mini", datasets=["esc10", "clotho_v2"], lake=root))
    return Lake.open(root)


@pytest.fixture(scope="module")
def runs(made: Lake) -> dict[str, Run]:
    return {run.name: run for run in (read_run(made, run_id) for run_id in made.runs())}


pytestmark = pytest.mark.slow


def test_all_eight_are_there_with_the_runs_they_start_from(
    made: Lake, runs: dict[str, Run]
) -> None:
    assert set(runs) == {"language_model", *ROWS}
    start = {name: runs[name].run_id for name in ("language_model", "clap")}
    for name, run in runs.items():
        from_scratch = name in ("language_model", "clap", "clap_star")
        assert run.parents == ({} if from_scratch else start), name
        assert (made.run(run.run_id) / "model").is_dir()


@pytest.mark.parametrize("name", ROWS)
def test_each_answers_a_sound(name: str, made: Lake, runs: dict[str, Run]) -> None:
    folder = made.run(runs[name].run_id)
    model = folder / "model"
    waves = torch.zeros(1, 2 * 44_100)
    if runs[name].config["stage"] == "clap":
        clap = Clap.from_pretrained(model)
        assert clap.audio_embedding(waves).shape == clap.text_embedding(["rain"]).shape
    else:
        assert Pengi.from_pretrained(model).generate(waves, "this is a sound of")[0].score < 0
    answered = {path.stem.rpartition("-")[0] for path in (folder / "answers").glob("*.parquet")}
    asked = "clotho_cap" if name == "single_task_caption" else "esc10"
    assert asked in answered
    assert list((folder / "scores").glob(f"{asked}-*.parquet"))


def test_what_sets_the_runs_apart(made: Lake, runs: dict[str, Run]) -> None:
    orders = {
        name: json.loads((made.run(runs[name].run_id) / "order.json").read_text()) for name in ROWS
    }
    specs = {
        name: json.loads((made.run(run.run_id) / "spec.json").read_text())
        for name, run in runs.items()
    }
    (captions,) = specs["single_task_caption"]["reads"]["pairs"]
    assert "clotho_v2" in captions["path"]
    table = pq.read_table(captions["path"]).to_pylist()
    trained = [line for line in table if line["split"] in captions["splits"]]
    wanted = [line for line in trained if line["template"] == "audio_captioning"]
    assert 0 < orders["single_task_caption"]["pairs"] == len(wanted)
    assert len(specs["pengi"]["reads"]["pairs"]) == 2

    weights = {
        name: load_file(made.run(run.run_id) / "model" / "model.safetensors")
        for name, run in runs.items()
    }
    moved = {
        name: any(
            not torch.equal(value, weights["clap"][key])
            for key, value in weights[name].items()
            if key.startswith("audio_encoder.htsat") and key.endswith("weight")
        )
        for name in ("pengi", "frozen_pengi")
    }
    assert moved == {"pengi": True, "frozen_pengi": False}
    parts = {name: {key.split(".")[0] for key in weights[name]} for name in ROWS}
    assert parts["pengi"] - parts["no_text_encoder"] == {"text_encoder"}
    assert parts["no_text_encoder"] - parts["lm_prompt_only"] == {"text_mapping"}


def test_prefect_holds_a_table_of_the_runs(made: Lake, runs: dict[str, Run]) -> None:
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/latest/filter", json={}).json()
    (line,) = [artifact for artifact in found if artifact["key"] == "runs"]
    table: list[dict[str, Any]] = json.loads(line["data"])
    assert {row["run"]: row["run_id"] for row in table} == {
        name: run.run_id for name, run in runs.items()
    }
    assert {row["state"] for row in table} == {"made"}


def test_what_cannot_be_made_is_left_out_and_a_fault_stops_only_what_follows(
    prefect_server: None, short_runs: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Run] = stops.train

    def train(*arguments: Any) -> Run:
        if arguments[2] == "clap_star":
            raise ValueError("no more paper")
        return real(*arguments)

    monkeypatch.setattr(stops, "train", train)
    asked = ["single_task_caption", "clap_star", "clap"]
    with pytest.raises(RunsFailed, match="1 runs failed: clap_star: no more paper"):
        flow(Params(profile="mini", datasets=["esc10"], runs=asked, lake=tmp_path / "lake"))
    lake = Lake.open(tmp_path / "lake")
    names = {read_run(lake, run_id).name for run_id in lake.runs()}
    assert names == {"language_model", "clap"}  # no caption in ESC-10
    assert list((lake.root / "reports").rglob("report.html"))


def test_runs_come_with_those_they_start_from() -> None:
    every = RUNS["paper"]
    assert asked_for(every, ["pengi"]) == ["text_encoder", "language_model", "clap", "pengi"]
    assert asked_for(every, ["clap_star"]) == ["text_encoder", "clap_star"]
    assert asked_for(RUNS["small"], None) == ["language_model", "clap", "pengi"]
    assert set(ROWS) <= set(asked_for(every, None)) == set(every)
    with pytest.raises(UnknownRun, match="no run penguin; the profile has"):
        asked_for(every, ["penguin"])


def test_one_run_by_command_is_the_flows_run(
    made: Lake, runs: dict[str, Run], pengi: Callable[..., Any]
) -> None:
    where = ("--lake", made.root, "--json")
    found = json.loads(pengi("train", "no_text_encoder", *where).out)
    assert found["run_id"] == runs["no_text_encoder"].run_id
    (scores,) = json.loads(pengi("evaluate", "frozen_pengi", "--benchmarks", "esc10", *where).out)[
        "scores"
    ]
    assert (made.root / scores).is_file()
    assert "no benchmark esc11" in pengi("evaluate", "clap", "--benchmarks", "esc11", *where).err
    assert pengi("train", "penguin", *where).code == 2


def test_steps_by_command_go_both_ways(made: Lake, pengi: Callable[..., Any]) -> None:
    where = ("--lake", made.root, "--json")
    step = json.loads(pengi("steps", "--step", "5", "--run", "pengi", *where).out)
    assert step["ran"] and len(step["pairs"]) == 8
    for pair in set(step["pairs"]):
        (line,) = json.loads(pengi("steps", "--pair", pair, "--run", "pengi", *where).out)["runs"]
        read = [each["step"] for each in line["steps"]]
        assert read.count(5) == step["pairs"].count(pair)
    assert "planned step, 0 to 9" in pengi("steps", "--step", "10", "--run", "pengi", *where).err
    assert pengi("steps", "--pair", "0" * 32, *where).code == 2
