"""Profiles: what a run covers and how large it is; each is a value."""

from dataclasses import dataclass
from typing import Literal

ProfileName = Literal["mini", "small", "open", "paper"]


@dataclass(frozen=True)
class Profile:
    """One profile. `world`: its archives are synthesised; `gpu`: the model's size needs one."""

    name: ProfileName
    disk_gb: float  # free space that a run needs beside the data of its datasets
    memory_gb: float
    world: bool = False
    gpu: bool = False


_ALL = (
    # everything synthesised, tiny models, minutes on a CPU
    Profile("mini", disk_gb=1.0, memory_gb=4.0, world=True),
    # a compact model trained from scratch on real local data
    Profile("small", disk_gb=2.0, memory_gb=6.0),
    # the paper's model on everything that needs no agreement or key
    Profile("open", disk_gb=50.0, memory_gb=32.0, gpu=True),
    # the paper's model on everything that can be had
    Profile("paper", disk_gb=50.0, memory_gb=64.0, gpu=True),
)
PROFILES: dict[str, Profile] = {profile.name: profile for profile in _ALL}
