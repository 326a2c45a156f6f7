"""The processes of one training: `torchrun` (RANK, WORLD_SIZE, LOCAL_RANK) or a single one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Ranks:
    """This process among `world` of them, and the device that it computes on."""

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def share(self, batch: int) -> slice:
        """Which of a global batch's samples are this process's; `batch` is a multiple of world."""
        size = batch // self.world
        return slice(self.rank * size, (self.rank + 1) * size)

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes; no gradient."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def gathered(self, values: Tensor) -> Tensor:
        """The rows of all processes, in their order; no gradient."""
        if self.world == 1:
            return values
        parts = [torch.empty_like(values) for _ in range(self.world)]
        dist.all_gather(parts, values.contiguous())
        return torch.cat(parts)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            dist.barrier()


@contextmanager
def started() -> Iterator[Ranks]:
    """This process's `Ranks`; joined to the others (nccl, or gloo without GPUs) while open."""
    world, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if world == 1:
        yield Ranks(device=device)
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), world, device)
    finally:
        dist.destroy_process_group()
