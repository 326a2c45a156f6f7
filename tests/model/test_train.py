"""The three trainings on a toy world: they learn, resume bit for bit, and refuse what is wrong."""

import fcntl
import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pengi_model import order
from pengi_model.loop import Stopped
from pengi_model.model import Pengi
from pengi_model.progress import read_lines
from pengi_model.reads import Reads
from pengi_model.settings import Settings, settings
from pengi_model.train import SpecError, main, train
from training_world import CLAP, LANGUAGE, PENGI, World, build, quiet, stop_at, weights, write_spec


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """All three stages trained once."""
    folder = tmp_path_factory.mktemp("training")
    made = World(folder, build(folder / "data"))
    for stage, config in (("language_model", LANGUAGE), ("clap", CLAP), ("pengi", PENGI)):
        train(made.spec(stage, stage, config), quiet)
    return made


def metrics(folder: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without the speed."""
    lines = read_lines(folder / "metrics.jsonl")
    return [{k: v for k, v in line.items() if k != "clips_per_s"} for line in lines]


def test_losses_fall(world: World):
    found: dict[str, dict[int, float]] = {}
    for stage in ("language_model", "pengi"):
        lines = read_lines(world.folder / stage / "metrics.jsonl")
        found[stage] = {line["step"]: line["loss"] for line in lines}
    told = found["language_model"]
    assert told[60] < 0.5 * told[min(told)]
    # "low tone" or "high tone" and the end: who knows the form and guesses the word has ln 2 / 3
    assert found["pengi"][40] < math.log(2) / 3 + 0.02


def test_the_model_speaks_with_the_words_of_the_release(world: World):
    model = Pengi.from_pretrained(world.folder / "pengi" / "model")
    found = model.generate(torch.zeros(1, model.config.samples), "this is a sound of", beam_size=2)
    assert found[0].text in {"low tone", "high tone"}


@pytest.mark.parametrize(
    ("stage", "config", "stop"), [("clap", CLAP, 2), ("pengi", PENGI, 20), ("pengi", PENGI, 42)]
)
def test_a_stopped_training_resumes_bit_for_bit(
    world: World, stage: str, config: Settings, stop: int
):
    folder = world.spec(f"{stage}-stopped-{stop}", stage, config)
    with pytest.raises(Stopped):
        train(folder, stop_at(stop))
    assert read_lines(folder / "steps.jsonl")[-1]["stop"] == stop
    assert not (folder / "model").exists()
    train(folder, quiet)
    whole = world.folder / stage
    assert metrics(folder) == metrics(whole)
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(folder)[name]), name


def test_steps_lost_to_a_kill_are_not_recorded_twice(world: World):
    folder = world.spec("killed", "clap", CLAP)
    with pytest.raises(KeyboardInterrupt):
        train(folder, killed_at(4))  # step 3 and 4 ran, but only 0 to 2 are in the checkpoint
    assert read_lines(folder / "steps.jsonl") == [{"first": 0, "stop": 2}]
    (folder / "steps.jsonl").write_text('{"first": 0, "st')  # cut by the kill
    train(folder, quiet)
    ranges = read_lines(folder / "steps.jsonl")
    assert [line["first"] for line in ranges] == [0, *[line["stop"] for line in ranges[:-1]]]
    assert ranges[-1]["stop"] == 6


def killed_at(step: int) -> Callable[[dict[str, Any]], None]:
    """An emit that breaks off, like a kill, before the step's checkpoint is written."""

    def emit(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == step:
            raise KeyboardInterrupt

    return emit


def test_order_says_which_pairs_a_step_saw(world: World):
    plan = json.loads((world.folder / "pengi" / "order.json").read_text())
    assert plan["pairs"] == 5
    assert plan["pairs_sha256"] == Reads(world.reads).pairs_sha256
    assert plan["plan"] == [
        {"first": 0, "stop": 40, "batch": 8, "first_sample": 0},
        {"first": 40, "stop": 43, "batch": 4, "first_sample": 320},
    ]
    seen = order.samples(5, plan["seed"], 0, 332)
    assert sorted(seen[:5].tolist()) == [0, 1, 2, 3, 4]


def test_frozen_parts_stay_as_their_parents_left_them(world: World):
    pengi, clap = weights(world.folder / "pengi"), weights(world.folder / "clap")
    language = weights(world.folder / "language_model")
    for name, value in (clap | language).items():
        if name.startswith(("text_encoder.", "language_model.")):
            assert torch.equal(pengi[name], value), name
    changed = [name for name in clap if name.startswith("audio_encoder.htsat") and "weight" in name]
    assert any(not torch.equal(pengi[name], clap[name]) for name in changed)


def test_a_finished_training_is_not_repeated(world: World):
    before = (world.folder / "clap" / "model" / "model.safetensors").stat().st_mtime_ns
    assert main([str(world.folder / "clap")]) == 0
    assert (world.folder / "clap" / "model" / "model.safetensors").stat().st_mtime_ns == before


def test_a_second_writer_is_refused(world: World):
    folder = world.spec("held", "clap", CLAP)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(SpecError, match="another process"):
            train(folder, quiet)


def test_bad_specs_say_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tmp_path)]) == 2
    assert "expected spec.json" in capsys.readouterr().err
    (tmp_path / "spec.json").write_text("{}")
    assert main([str(tmp_path)]) == 2
    assert "expected the fields" in capsys.readouterr().err
    folder = write_spec(tmp_path / "run", "clap", replace(CLAP, size="huge"), {"pairs": []})
    assert main([str(folder)]) == 2
    assert "'huge'" in capsys.readouterr().err


def test_settings_survive_json():
    for stage, config in (("language_model", LANGUAGE), ("clap", CLAP), ("pengi", PENGI)):
        assert settings(stage, json.loads(json.dumps(asdict(config)))) == config
