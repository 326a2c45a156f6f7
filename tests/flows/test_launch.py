"""How the trainer's processes are started, and what keeps it from starting at all."""

from pathlib import Path

import pytest

from flows.launch import Launch, LaunchError


def test_one_process_needs_no_torchrun() -> None:
    assert Launch().command(Path("runs/ab"))[1:] == ["-m", "pengi_model.train", "runs/ab"]


def test_eight_gpus_of_one_machine_share_a_run() -> None:
    command = Launch(processes=8).command(Path("runs/ab"))
    assert command[1:3] == ["-m", "torch.distributed.run"]
    assert {"--nproc-per-node=8", "--nnodes=1", "--standalone", "--max-restarts=0"} < {*command}
    assert command[-3:] == ["-m", "pengi_model.train", "runs/ab"]


def test_two_machines_meet_at_one_of_them() -> None:
    command = Launch(8, machines=2, machine=1, rendezvous="one:29500").command(Path("runs/ab"))
    assert {"--node-rank=1", "--nnodes=2", "--rdzv-endpoint=one:29500"} < {*command}
    with pytest.raises(LaunchError, match="HOST:PORT"):
        Launch(8, machines=2).command(Path("runs/ab"))
