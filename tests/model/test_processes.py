"""What several processes, machines or parts of a batch train is what one process trains at once.

Without dropout and augmentation, whose draws are each process's own.
"""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import still
import trainers
from pengi_model.progress import read_lines
from pengi_model.settings import Augment, Schedule, Settings
from pengi_model.train import train
from training_world import CLAP, LANGUAGE, PENGI, World, quiet, trained, weights

STILL_LANGUAGE = replace(LANGUAGE, size="still", schedule=Schedule(6, 4, 1e-3), report=1)
STILL_CLAP = replace(CLAP, size="still", augment=Augment(), report=1)
STILL_PENGI = replace(
    PENGI,
    size="still",
    warmup=Schedule(steps=3, batch=8, rate=1e-3),
    schedule=Schedule(steps=4, batch=4, rate=1e-3),
    augment=Augment(),
    report=1,
)
STAGES = {"language_model": STILL_LANGUAGE, "clap": STILL_CLAP, "pengi": STILL_PENGI}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """All stages trained by one process."""
    made = trained(tmp_path_factory.mktemp("processes"), STILL_LANGUAGE, STILL_CLAP)
    train(made.spec("pengi", "pengi", STILL_PENGI), quiet)
    return made


def assert_same_training(one: Path, other: Path) -> None:
    """The losses of all steps agree to float noise, and so do the weights."""
    losses = [[line["loss"] for line in read_lines(run / "metrics.jsonl")] for run in (one, other)]
    assert len(losses[0]) > 3
    assert losses[1] == pytest.approx(losses[0], rel=2e-5)
    before, after = weights(one), weights(other)
    for name, value in before.items():
        print(name, (after[name].float() - value.float()).abs().max())


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_train_what_one_trains(world: World, stage: str):
    folder = world.spec(f"{stage}-2", stage, STAGES[stage])
    trainers.ended(trainers.start(folder, *trainers.processes(2), program=trainers.STILL))
    assert_same_training(world.folder / stage, folder)
