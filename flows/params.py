"""Parameters of the flow `pengi`: one pydantic model, which is also the form in Prefect's UI."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows.profiles import PROFILES, ProfileName


class Params(BaseModel):
    """What to reproduce, from which copies of the data, into which lake."""

    model_config = ConfigDict(extra="forbid")

    profile: ProfileName = Field(
        "mini",
        title="Profile",
        description="mini: everything synthesised, minutes on a CPU. small: a compact model on "
        "real local data. open: the paper's model on what needs no agreement. paper: everything.",
    )
    lake: Path = Field(
        Path("lake"), title="Lake", description="The data directory; made if it does not exist."
    )
    datasets: list[str] | None = Field(
        None,
        title="Datasets",
        description="Names, or paths of dataset files; none means all that the profile covers.",
    )
    raw: dict[str, Path] = Field(
        {},
        title="Local copies",
        description="Dataset name to the directory of a licensed or downloaded copy.",
    )
    train: dict[str, list[str]] = Field(
        {},
        title="Training splits",
        description="Dataset name to the splits that feed training; default: the dataset's own.",
    )
    test: dict[str, list[str]] = Field(
        {},
        title="Test splits",
        description="Dataset name to the splits its benchmarks use; default: the benchmark's own.",
    )
    leakage: Literal["paper", "strict"] = Field(
        "paper",
        title="Leakage",
        description="paper: no filter, as published. strict: training clips that any benchmark of "
        "the run holds too, by origin or by content, are left out with their reason.",
    )
    licence_allow: list[str] = Field(
        [],
        title="Licences",
        description="SPDX patterns such as CC0-1.0 and CC-BY-*: clips under any other licence are "
        "left out with their reason. None means all.",
    )
    choices: dict[str, dict[str, str]] = Field(
        {},
        title="Choices",
        description="Dataset name to what the paper leaves open about it: choice name to value. "
        "`pengi plan --json` lists them with their defaults and reasons.",
    )
    runs: list[str] | None = Field(
        None,
        title="Runs",
        description="Trainings to make, e.g. pengi, frozen_pengi, no_text_encoder; the ones they "
        "start from are made too. None means all that the profile makes (flows/runs.py).",
    )
    seed: int = Field(0, title="Seed", description="Seed of every random choice in training.")

    @model_validator(mode="after")
    def _no_split_both_ways(self) -> Self:
        for name in self.train.keys() & self.test.keys():
            both = sorted(set(self.train[name]) & set(self.test[name]))
            if both:
                raise ValueError(
                    f"{name}: {', '.join(both)} is both a training and a test split; "
                    "a test clip must not have been trained on"
                )
        return self

    @property
    def has_world(self) -> bool:
        """Whether the profile's archives are synthesised."""
        return PROFILES[self.profile].world
