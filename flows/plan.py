"""The plan: what a run will do, and what is missing to do it; made before anything is fetched."""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import httpx
import torch
from huggingface_hub import try_to_load_from_cache
from pydantic import BaseModel

from flows import datasets
from flows.datasets import DatasetFile
from flows.params import Params
from flows.profiles import PROFILES, Profile
from flows.runs import RUNS
from schemas import Benchmark, Dataset, RequestError

# Section 4.1 of the paper: the eighteen training sources, under our names.
PAPER_SOURCES = [
    *("audioset", "fsd50k", "cochlscene", "msp_podcast", "cmu_mosi", "cmu_mosei", "meld"),
    *("nsynth", "fma", "audiocaps", "clotho_v2", "clotho_aqa", "wavtext5k", "sounddescs"),
    *("macs", "wavcaps", "freesound", "findsounds"),
]


PRETRAINED = ("openai-community/gpt2", "openai/clip-vit-base-patch16")
HUB = "https://huggingface.co"


class Choice(NamedTuple):
    """One dataset of a run: its file, the splits to train on, its benchmarks with their splits."""

    file: DatasetFile
    train: tuple[str, ...]
    benchmarks: tuple[Benchmark, ...]


class PlanLine(BaseModel):
    """One dataset in the plan, as people and programs read it."""

    dataset: str
    archives: int
    obtain: str
    train: list[str]
    templates: list[str]
    benchmarks: list[str]


class CannotRun(RequestError):
    """The machine or the parameters do not allow this run; every reason is listed."""


def choose(params: Params) -> list[Choice]:
    """The datasets of a run; CannotRun on a name or split that does not exist."""
    wanted = params.datasets or datasets.names()
    files = [datasets.load(name) for name in wanted]
    known = {file.dataset.name for file in files}
    for option, given in (("raw", params.raw), ("train", params.train), ("test", params.test)):
        if unknown := sorted(given.keys() - known):
            raise CannotRun(
                f"--{option} names {', '.join(unknown)}, which is no dataset of this run: "
                f"{', '.join(sorted(known))}."
            )
    return [_choice(file, params) for file in files]


def missing(params: Params, choices: list[Choice]) -> list[str]:
    """Everything that stands in the way of this run on this machine, one line each."""
    profile = PROFILES[params.profile]
    lines = [*_machine(profile, params.lake), *_weights(profile)]
    if params.profile not in RUNS:
        lines.append(f"settings: flows/runs.py has no trainings for profile {params.profile} yet")
    for choice in choices:
        dataset = choice.file.dataset
        given = params.raw.get(dataset.name)
        if given is not None and not given.is_dir():
            lines.append(f"{dataset.name}: --raw {given}: no such directory")
        elif given is None and not profile.world and not _fetchable(dataset):
            lines.append(
                f"{dataset.name}: {dataset.access.kind}: {dataset.access.how or 'give --raw'}"
            )
    if params.profile == "paper" and params.datasets is None:
        have = {choice.file.dataset.name for choice in choices}
        absent = [name for name in PAPER_SOURCES if name not in have]
        if absent:
            lines.append(
                f"no dataset file yet for {', '.join(absent)}; choose others with --datasets"
            )
    if not any(choice.train for choice in choices):
        lines.append("no dataset of this run has training splits; name some with --train")
    return lines


def refuse(params: Params) -> list[Choice]:
    """The datasets of a run that can start; CannotRun lists everything that stands in its way."""
    choices = choose(params)
    if lines := missing(params, choices):
        raise CannotRun(
            f"profile {params.profile} cannot run on this machine:\n- " + "\n- ".join(lines)
        )
    return choices


def describe(params: Params, choices: list[Choice]) -> list[PlanLine]:
    """One line per dataset: what will be fetched, trained on and evaluated."""
    return [
        PlanLine(
            dataset=choice.file.dataset.name,
            archives=len(choice.file.dataset.archives),
            obtain=_obtain(choice, params),
            train=list(choice.train),
            templates=list(choice.file.dataset.templates) if choice.train else [],
            benchmarks=[benchmark.name for benchmark in choice.benchmarks],
        )
        for choice in choices
    ]


def _choice(file: DatasetFile, params: Params) -> Choice:
    dataset = file.dataset
    train = tuple(params.train.get(dataset.name, dataset.train))
    test = params.test.get(dataset.name)
    for split in (*train, *(test or ())):
        if split not in dataset.splits:
            raise CannotRun(
                f"{dataset.name} has no split {split!r}; it has {', '.join(dataset.splits)}."
            )
    benchmarks = [
        b.model_copy(update={"splits": tuple(test)}) if test else b for b in file.benchmarks
    ]
    for benchmark in benchmarks:
        if both := sorted(set(benchmark.splits) & set(train)):
            raise CannotRun(
                f"{benchmark.name}: split {', '.join(both)} would be trained on and tested on. "
                f"Name other splits with --train {dataset.name}:… or --test {dataset.name}:…"
            )
    return Choice(file, train, tuple(benchmarks))


def _obtain(choice: Choice, params: Params) -> str:
    if params.has_world:
        return "synthesised"
    dataset = choice.file.dataset
    return "local copy" if dataset.name in params.raw else dataset.access.kind


def _fetchable(dataset: Dataset) -> bool:
    return dataset.access.kind == "direct" and all(archive.url for archive in dataset.archives)


def _machine(profile: Profile, lake: Path) -> list[str]:
    lines: list[str] = []
    if profile.gpu and not torch.cuda.is_available():
        lines.append(
            f"GPU: profile {profile.name} trains the paper's model (323 M parameters); found none"
        )
    there = next(path for path in (lake.absolute(), *lake.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    if free < profile.disk_gb:
        lines.append(f"disk: about {profile.disk_gb:,.0f} GB for {lake}; free are {free:,.0f} GB")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if memory < profile.memory_gb:
        lines.append(f"memory: about {profile.memory_gb:,.0f} GB; the machine has {memory:,.0f} GB")
    return lines


def _weights(profile: Profile) -> list[str]:
    """The frozen models of sec. 3.2, from the hub's cache or the hub itself."""
    if not profile.gpu:
        return []
    absent = [name for name in PRETRAINED if try_to_load_from_cache(name, "config.json") is None]
    if not absent:
        return []
    try:
        httpx.head(HUB, timeout=5.0)
    except httpx.HTTPError as fault:
        return [
            f"weights of {' and '.join(absent)}: not cached, and {HUB} does not answer ({fault})"
        ]
    return []
