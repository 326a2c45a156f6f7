"""Trainings that are killed go on as if nothing had been; nothing that fails harms a checkpoint."""

import errno
import json
import random
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
import torch
from safetensors.torch import load_file, save_file

import trainers
from pengi_model.checkpoint import CheckpointError
from pengi_model.clap_stage import ClapStage
from pengi_model.loop import Stopped
from pengi_model.settings import Schedule, Settings
from pengi_model.train import main, train
from training_world import CLAP, PENGI, World, quiet, stop_at, trained

KILLED_CLAP = replace(CLAP, report=1)
KILLED_PENGI = replace(
    PENGI,
    warmup=Schedule(steps=6, batch=8, rate=2e-3),
    schedule=Schedule(steps=6, batch=4, rate=5e-4),
    report=1,
    loaders=2,
)


class Usage(NamedTuple):
    """What shutil.disk_usage gives."""

    total: int
    used: int
    free: int


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """`clap` and `pengi` trained without interruption; `stopped` has checkpoints 2 and 4."""
    made = trained(tmp_path_factory.mktemp("killed"), clap=KILLED_CLAP)
    train(made.spec("pengi", "pengi", replace(KILLED_PENGI, loaders=0)), quiet)
    with pytest.raises(Stopped):
        train(made.spec("stopped", "clap", KILLED_CLAP), stop_at(4))
    return made


def stopped(world: World, name: str) -> Path:
    """A copy of the stopped training."""
    return shutil.copytree(world.folder / "stopped", world.folder / name)


def written(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "config", "moments"), [("clap", KILLED_CLAP, 2), ("pengi", KILLED_PENGI, 3)]
)
def test_a_killed_training_ends_with_the_same_bytes(
    world: World, stage: str, config: Settings, moments: int
):
    """Also: threads that read ahead change nothing; `pengi` was trained without them."""
    whole = world.folder / stage
    folder = world.spec(f"{stage}-killed", stage, config)
    draw = random.Random(stage)
    last = 0
    for _ in range(moments):
        process = trainers.start(folder)
        last += draw.randint(1, 3)
        trainers.wait_for_step(process, last)
        time.sleep(draw.uniform(0, 0.2))  # into the next step, or its checkpoint
        trainers.signalled(process, signal.SIGKILL)
        assert not (folder / "model").exists()
    trainers.ended(trainers.start(folder))
    assert written(folder) == written(whole)


def no_room(folder: Path) -> Usage:
    return Usage(10**9, 10**9 - 1000, 1000)


def full_disk(state: dict[str, Any], file: Any) -> NoReturn:
    file.write(b"half a checkpoint")
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("module", "name", "fault", "told"),
    [
        (shutil, "disk_usage", no_room, "a checkpoint needs .* found 0.00 GB free"),
        (torch, "save", full_disk, "000000006.pt: not written .*No space left"),
    ],
)
def test_a_full_disk_leaves_the_last_checkpoint(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    fault: Any,
    told: str,
):
    folder = stopped(world, f"full-{name}")
    with monkeypatch.context() as patch:
        patch.setattr(module, name, fault)
        with pytest.raises(CheckpointError, match=f"{told}.*000000004.pt, is intact: free some"):
            train(folder, quiet)
    assert [path.name for path in sorted((folder / "checkpoints").iterdir())] == [
        "000000002.pt",
        "000000004.pt",
    ]
    train(folder, quiet)
    assert written(folder) == written(world.folder / "clap")


def changed(folder: Path, change: Any) -> None:
    """Change a run's spec.json."""
    spec = json.loads((folder / "spec.json").read_text())
    change(spec)
    (folder / "spec.json").write_text(json.dumps(spec))


def test_another_training_does_not_resume(world: World, capsys: pytest.CaptureFixture[str]):
    folder = stopped(world, "other-rate")
    changed(folder, lambda spec: spec["config"]["schedule"].update(rate=0.5))
    assert main([str(folder)]) == 1
    told = capsys.readouterr().err
    assert "is of another training: config.schedule.rate was 0.001, is 0.5. Put back" in told
    folder = stopped(world, "other-pairs")
    changed(folder, lambda spec: spec["reads"]["pairs"][0].update(splits=["train", "test"]))
    assert main([str(folder)]) == 1
    assert "is of another training: pairs_sha256 was '" in capsys.readouterr().err


def test_another_parent_does_not_resume(world: World):
    folder = world.spec("other-parent", "pengi", replace(KILLED_PENGI, loaders=0))
    with pytest.raises(Stopped):
        train(folder, stop_at(1))
    other = shutil.copytree(world.folder / "clap" / "model", world.folder / "other-clap")
    changed_weights = load_file(other / "model.safetensors")
    changed_weights["log_scale"] += 1
    save_file(changed_weights, other / "model.safetensors", {"format": "pt"})
    changed(folder, lambda spec: spec["parents"].update(clap=str(other)))
    with pytest.raises(
        CheckpointError, match=r"another training: parents\.clap was '[0-9a-f]{64}'"
    ):
        train(folder, quiet)


def test_a_loss_that_is_no_number_names_its_pairs(world: World, capsys: pytest.CaptureFixture[str]):
    broken = replace(KILLED_CLAP, schedule=Schedule(steps=6, batch=4, rate=1e30))
    folder = world.spec("broken", "clap", broken)
    assert main([str(folder)]) == 1
    told = capsys.readouterr().err
    assert "is not a finite number; its pairs here: 0000000000000000000000000000006" in told
    assert "pengi trace" in told


def test_too_large_a_batch_says_what_to_set(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    folder = stopped(world, "too-large")

    def no_memory(*given: object) -> NoReturn:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(ClapStage, "backward", no_memory)
    assert main([str(folder)]) == 1
    told = capsys.readouterr().err
    assert "a batch of 4 clips does not fit" in told and "20 GiB" in told
    assert "Set `micro` to 2 or less" in told
    assert (folder / "checkpoints" / "000000004.pt").is_file()


def test_a_cut_waves_cache_is_refused(world: World, capsys: pytest.CaptureFixture[str]):
    cut = shutil.copytree(world.folder / "data" / "waves", world.folder / "cut")
    with (cut / "samples.int16").open("r+b") as file:
        file.truncate(1000)
    folder = stopped(world, "cut-waves")
    changed(folder, lambda spec: spec["reads"].update(waves=[str(cut)]))
    assert main([str(folder)]) == 1
    told = capsys.readouterr().err
    assert "samples.int16: expected 1058400 bytes by its index, found 1000. Delete" in told
