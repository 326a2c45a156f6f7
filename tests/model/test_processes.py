"""What several processes, machines or parts of a batch train is what one process trains at once.

Without dropout and augmentation, whose draws are each process's own.
"""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import still  # noqa: F401 - makes the size
import trainers
from pengi_model.progress import read_lines
from pengi_model.ranks import Ranks
from pengi_model.settings import Augment, Schedule, settings
from pengi_model.train import SpecError, built, read_spec, train
from training_world import CLAP, LANGUAGE, PENGI, World, build, quiet, trained, weights

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
_NOISE = 5e-4  # half of one step of AdamW, which follows even the sign of a gradient near zero
# Of keys and of what a batch norm follows: their gradient is nothing but noise, AdamW makes steps
# of it; what a batch norm counts depends on how often it is called.
_FREE = ("key.bias", "k_proj.bias", "running_var", "running_mean", "num_batches_tracked")
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
    assert losses[1] == pytest.approx(losses[0], rel=2e-4)
    before, after = weights(one), weights(other)
    for name, value in before.items():
        if not name.endswith(_FREE):
            apart = (after[name] - value).abs()
            assert apart.max() <= _NOISE, name
            assert apart.mean() <= _NOISE / 50, name


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_train_what_one_trains(world: World, stage: str):
    folder = world.spec(f"{stage}-2", stage, STAGES[stage])
    trainers.ended(trainers.start(folder, *trainers.processes(2), program=trainers.STILL))
    assert_same_training(world.folder / stage, folder)


@pytest.mark.slow
def test_two_machines_train_what_one_trains(world: World):
    folder, port = world.spec("machines", "pengi", STILL_PENGI), trainers.free_port()
    machines = [
        trainers.start(folder, *trainers.node(rank, port), program=trainers.STILL)
        for rank in (0, 1)
    ]
    for machine in machines:
        trainers.ended(machine)
    assert_same_training(world.folder / "pengi", folder)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["clap", "pengi"])
def test_parts_of_a_batch_train_what_the_whole_trains(world: World, stage: str):
    """A batch of two epochs in two parts: the same clips in both, so the same statistics."""
    sounds = build(world.folder / f"parts-{stage}", clips=5, longest=1)
    batch = Schedule(steps=4, batch=8, rate=1e-3)
    config = replace(STAGES[stage], schedule=batch)
    runs = []
    for micro in (0, 4):
        name, given = f"{stage}-parts-{micro}", replace(config, micro=micro)
        folder = World(world.folder, sounds).spec(name, stage, given)
        train(folder, quiet)
        runs.append(folder)
    assert_same_training(*runs)


@pytest.mark.slow
def test_stopped_processes_resume_bit_for_bit(world: World):
    """SIGTERM to torchrun, as the flow or a cluster sends it; the size has dropout."""
    clap = replace(CLAP, schedule=replace(CLAP.schedule, steps=12), report=1, checkpoint=100)
    whole, folder = (world.spec(name, "clap", clap) for name in ("whole", "halted"))
    trainers.ended(trainers.start(whole, *trainers.processes(2)))
    process = trainers.start(folder, *trainers.processes(2))
    trainers.wait_for_step(process, 2)
    assert trainers.signalled(process, signal.SIGTERM) != 0
    (saved,) = (folder / "checkpoints").glob("*.pt")
    assert 2 <= int(saved.stem) < 12
    assert not (folder / "model").exists()
    trainers.ended(trainers.start(folder, *trainers.processes(2)))
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(folder)[name]), name


def test_a_batch_that_cannot_be_shared_is_refused(world: World):
    spec = read_spec(world.spec("odd", "clap", STILL_CLAP))
    config = settings("clap", spec["config"])
    with pytest.raises(SpecError, match="a batch of 4 cannot be shared by 3 processes"):
        built(config, spec, quiet, Ranks(world=3))
