"""Trainers as processes of their own, one or joined by torchrun."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pengi_model

STILL = [str(Path(__file__).with_name("still.py"))]
MODULE = ["-m", "pengi_model.train"]
_ROOT = str(Path(pengi_model.__file__).parents[1])


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start(folder: Path, *torchrun: str, program: list[str] = MODULE) -> subprocess.Popen[str]:
    """`program` on a run folder; under torchrun where it is given arguments."""
    launcher = ["-m", "torch.distributed.run", *torchrun] if torchrun else []
    variables = {"PYTHONPATH": _ROOT, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        [sys.executable, *launcher, *program, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
        start_new_session=True,
    )


def processes(count: int) -> list[str]:
    """torchrun's arguments for so many processes on one machine."""
    return [f"--nproc-per-node={count}", "--master-port", str(free_port())]


def node(rank: int, port: int) -> list[str]:
    """torchrun's arguments for one of two machines, both of which are this one."""
    place = [f"--rdzv-endpoint=localhost:{port}", "--rdzv-backend=c10d", "--rdzv-id=test"]
    return ["--nnodes=2", f"--node-rank={rank}", "--nproc-per-node=1", *place]


def ended(process: subprocess.Popen[str]) -> str:
    """Wait for a trainer that succeeds; its output."""
    out, errors = process.communicate()
    assert process.returncode == 0, errors[-3000:]
    return out


def wait_for_step(process: subprocess.Popen[str], step: int) -> None:
    """Read a trainer's lines until it reports this step."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "step" and event["step"] >= step:
            return
    raise AssertionError(f"no step {step}: {process.communicate()[1][-3000:]}")


def signalled(process: subprocess.Popen[str], number: signal.Signals) -> int:
    """Send a signal to a trainer and all its processes; the exit code."""
    os.killpg(process.pid, number)
    process.communicate()
    return process.returncode
