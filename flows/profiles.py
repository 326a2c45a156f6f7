"""Profiles: what a run covers and how large it is; each is a value."""

from dataclasses import dataclass
from typing import Literal

ProfileName = Literal["mini", "small", "open", "paper"]


@dataclass(frozen=True)
class Profile:
    """One profile. `datasets` None means all; `world` the synthesised archives of flows/mini."""

    name: ProfileName
    datasets: tuple[str, ...] | None
    access: tuple[str, ...]  # kinds of access it takes on
    world: bool
    gpu: bool  # the model's size needs one
    disk_gb: float  # free space that a full run needs
    memory_gb: float


PROFILES: dict[str, Profile] = {
    # everything synthesised, tiny models, minutes on a CPU
    "mini": Profile("mini", None, ("direct",), world=True, gpu=False, disk_gb=1.0, memory_gb=4.0),
    # a compact model trained from scratch on real local data
    "small": Profile(
        "small", None, ("direct",), world=False, gpu=False, disk_gb=2.0, memory_gb=6.0
    ),
    # the paper's model on everything that needs no agreement or key
    "open": Profile(
        "open", None, ("direct",), world=False, gpu=True, disk_gb=500.0, memory_gb=32.0
    ),
    # the paper's model on everything: 2.1 TB of FLAC and 3.2 TB of int16 per 10,000 h
    "paper": Profile(
        "paper",
        None,
        ("direct", "agreement", "youtube", "key", "crawl"),
        world=False,
        gpu=True,
        disk_gb=6000.0,
        memory_gb=64.0,
    ),
}
