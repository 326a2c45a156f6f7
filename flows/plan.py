"""The plan: what a run will do, and what is missing to do it; made before anything is fetched."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import httpx
import torch
from huggingface_hub import try_to_load_from_cache
from pydantic import BaseModel

from flows import datasets
from flows.datasets import DatasetFile, with_choices
from flows.estimate import Estimate, estimate, total
from flows.params import Params
from flows.profiles import PROFILES, Profile
from flows.runs import RUNS, asked_for
from flows.steps.keys import key
from pengi_model.released import REVISIONS
from schemas import Benchmark, Dataset, RequestError
from schemas import Choice as Decision

HUB = "https://huggingface.co"  # or HF_ENDPOINT
_PAPER = ("open", "paper")  # profiles that cover the datasets of the paper, not all we know


class Choice(NamedTuple):
    """One dataset of a run: its file, the splits to train on, its benchmarks with their splits."""

    file: DatasetFile
    train: tuple[str, ...]
    benchmarks: tuple[Benchmark, ...]


class PlanLine(BaseModel):
    """One dataset in the plan, as people and programs read it."""

    dataset: str
    access: str
    archives: int
    obtain: str
    train: list[str]
    templates: list[str]
    benchmarks: list[str]
    estimate: Estimate
    choices: list[Decision]
    missing: str | None


class CannotRun(RequestError):
    """The machine or the parameters do not allow this run; every reason is listed."""


def choose(params: Params) -> list[Choice]:
    """The datasets of a run; CannotRun on a name, split or choice that does not exist.

    Where none is named, `open` and `paper` take every dataset of the paper that can be had.
    """
    left_out = skipped(params)
    files = [file for file in _covered(params) if file.dataset.name not in left_out]
    known = {file.dataset.name for file in files}
    options = ("raw", "train", "test", "choices")
    for option in options:
        if unknown := sorted(getattr(params, option).keys() - known):
            raise CannotRun(
                f"--{option.removesuffix('s')} names {', '.join(unknown)}, which is no dataset of "
                f"this run: {', '.join(sorted(known))}."
            )
    return [_choice(file, params) for file in files]


def skipped(params: Params) -> dict[str, str]:
    """Datasets that the profile covers but that cannot be had here, with the reason.

    A dataset that is named is never skipped: what it lacks is `missing`.
    """
    if params.datasets is not None or params.profile not in _PAPER:
        return {}
    found: dict[str, str] = {}
    for file in _covered(params):
        dataset = file.dataset
        lack = _lack(dataset, params)
        if lack is None and params.profile == "open" and dataset.access.kind == "key":
            lack = f"profile open needs no key. {dataset.access.how}"
        if lack is not None:
            found[dataset.name] = lack
    return found


def missing(params: Params, choices: list[Choice]) -> list[str]:
    """Everything that stands in the way of this run on this machine, one line each."""
    profile = PROFILES[params.profile]
    needed = 0 if profile.world else total([_estimated(choice) for choice in choices]).disk or 0
    lines = [*_machine(profile, params.lake, needed / 1e9), *_weights(profile)]
    lines += lacking(params, choices)
    if not any(choice.train for choice in choices):
        lines.append("no dataset of this run has training splits; name some with --train")
    return lines


def lacking(params: Params, choices: list[Choice]) -> list[str]:
    """What keeps the datasets of a run from being had here, one line each."""
    lacks = {choice.file.dataset.name: _lack(choice.file.dataset, params) for choice in choices}
    return [f"{name}: {lack}" for name, lack in lacks.items() if lack is not None]


def refuse(params: Params) -> list[Choice]:
    """The datasets of a run that can start; CannotRun lists everything that stands in its way."""
    asked_for(RUNS[params.profile], params.runs)
    choices = choose(params)
    if lines := missing(params, choices):
        lines += [f"{name} would be left out: {why}" for name, why in skipped(params).items()]
        raise CannotRun(
            f"profile {params.profile} cannot run on this machine:\n- " + "\n- ".join(lines)
        )
    return choices


def describe(params: Params) -> list[PlanLine]:
    """One line per dataset that the profile covers: what it costs and gives, what it lacks."""
    left_out = skipped(params)
    return [
        _line(_choice(file, params), params, file.dataset.name in left_out)
        for file in _covered(params)
    ]


def _line(choice: Choice, params: Params, left_out: bool) -> PlanLine:
    dataset = choice.file.dataset
    return PlanLine(
        dataset=dataset.name,
        access=dataset.access.kind,
        archives=len(dataset.archives),
        obtain="left out" if left_out else _obtain(choice, params),
        train=list(choice.train),
        templates=list(dataset.templates) if choice.train else [],
        benchmarks=[benchmark.name for benchmark in choice.benchmarks],
        estimate=_estimated(choice),
        choices=list(dataset.choices),
        missing=_lack(dataset, params),
    )


def _covered(params: Params) -> list[DatasetFile]:
    files = [datasets.load(name) for name in params.datasets or datasets.names()]
    if params.datasets is None and params.profile in _PAPER:
        return [file for file in files if file.dataset.paper]
    return files


def _choice(file: DatasetFile, params: Params) -> Choice:
    dataset = with_choices(file.dataset, params.choices.get(file.dataset.name, {}))
    file = file._replace(dataset=dataset)
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


def _lack(dataset: Dataset, params: Params) -> str | None:
    """Why the archives or sounds of a dataset cannot be had here, or None."""
    given = params.raw.get(dataset.name)
    if given is not None:
        return None if given.is_dir() else f"--raw {given}: no such directory"
    if params.has_world:
        return None
    copy = f"Or give a copy you have: --raw {dataset.name}=DIR."
    match dataset.access.kind:
        case "youtube" if find_spec("yt_dlp") is None:
            return f"youtube: install the extra: pip install 'pengi-reproduction[youtube]'. {copy}"
        case "key" if key("FREESOUND_TOKEN") is None:
            return f"key: FREESOUND_TOKEN is not set. {dataset.access.how} {copy}"
        case "agreement" | "crawl" as kind:
            return f"{kind}: {dataset.access.how} Then give your copy: --raw {dataset.name}=DIR."
        case _ if not all(archive.url for archive in dataset.archives):
            return f"no address is known. {dataset.access.how} {copy}"
        case _:
            return None


def _estimated(choice: Choice) -> Estimate:
    return estimate(choice.file.dataset, choice.train)


def _machine(profile: Profile, lake: Path, data_gb: float) -> list[str]:
    lines: list[str] = []
    if profile.gpu and not torch.cuda.is_available():
        lines.append(
            f"GPU: profile {profile.name} trains the paper's model (323 M parameters); found none"
        )
    there = next(path for path in (lake.absolute(), *lake.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    if free < (needed := profile.disk_gb + data_gb):
        lines.append(f"disk: about {needed:,.0f} GB for {lake}; free are {free:,.0f} GB")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if memory < profile.memory_gb:
        lines.append(f"memory: about {profile.memory_gb:,.0f} GB; the machine has {memory:,.0f} GB")
    return lines


def _weights(profile: Profile) -> list[str]:
    """The frozen models of sec. 3.2, from the hub's cache or the hub itself."""
    if not profile.gpu:
        return []
    absent = [
        name
        for name, revision in REVISIONS.items()
        if try_to_load_from_cache(name, "config.json", revision=revision) is None
    ]
    if not absent:
        return []
    hub = os.environ.get("HF_ENDPOINT", HUB)
    try:
        httpx.head(hub, timeout=5.0)
    except httpx.HTTPError as fault:
        return [
            f"weights of {' and '.join(absent)}: not cached, and {hub} does not answer ({fault})"
        ]
    return []
