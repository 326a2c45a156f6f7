"""How a trainer's processes are started: one alone, or `torchrun` on one machine or several."""

import sys
from dataclasses import dataclass
from pathlib import Path

from schemas import RequestError

_TRAINER = "pengi_model.train"


class LaunchError(RequestError):
    """Processes that cannot find each other."""


@dataclass(frozen=True)
class Launch:
    """`processes` a machine, one for each GPU, on `machines` that share the lake.

    The same command runs on every machine, with its own number `machine`; `rendezvous` is HOST:PORT
    of one of them.
    """

    processes: int = 1
    machines: int = 1
    machine: int = 0
    rendezvous: str = ""

    def command(self, folder: Path) -> list[str]:
        """The command that trains a run folder; LaunchError if machines have no rendezvous."""
        if self.processes == self.machines == 1:
            return [sys.executable, "-m", _TRAINER, str(folder)]
        if self.machines > 1 and not self.rendezvous:
            raise LaunchError(
                f"training on {self.machines} machines needs a rendezvous: expected HOST:PORT of "
                "one of them, found none. Give --rendezvous, the same on every machine."
            )
        where = (
            [
                "--rdzv-backend=c10d",
                f"--rdzv-endpoint={self.rendezvous}",
                f"--rdzv-id={folder.name}",
            ]
            if self.machines > 1
            else ["--standalone"]
        )
        return [
            *(sys.executable, "-m", "torch.distributed.run"),
            f"--nproc-per-node={self.processes}",
            f"--nnodes={self.machines}",
            f"--node-rank={self.machine}",
            "--max-restarts=0",  # the flow retries, from the last checkpoint
            *where,
            *("-m", _TRAINER, str(folder)),
        ]
