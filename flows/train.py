"""Stop 5: one training in a process of its own; a finished run is found, not made again."""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import pengi_model
from flows.launch import Launch
from flows.runs import Recipe
from flows.steps.lake import Lake, sha256_text, write_json
from flows.steps.progress import Progress, silent
from flows.steps.release import ingested, read_parts, refuse_damaged
from flows.steps.waves import make_waves
from pengi_model.settings import STAGES
from schemas import Release, Run

THREADS = 1  # set, not guessed: two are slower than one when anything else runs
_GRACE = 20.0  # seconds that a trainer has to save its checkpoint


class TrainingError(Exception):
    """The trainer ended with an error; its last lines are in the message."""


def train(
    lake: Lake,
    release: Release,
    name: str,
    recipe: Recipe,
    parents: Mapping[str, str],
    seed: int,
    provenance: Mapping[str, str],
    progress: Progress = silent,
    launch: Launch = Launch(),  # noqa: B008 - frozen
) -> Run:
    """Train run `name` on `release` from the runs `parents`, or find it finished."""
    run = manifest(release, name, recipe, parents, seed, provenance)
    folder = lake.run(run.run_id)
    if (folder / "model").is_dir():
        return read_run(lake, run.run_id)
    refuse_damaged(lake, release)
    write_json(folder / "run.json", run.model_dump())
    write_json(folder / "spec.json", _spec(lake, release, run, progress))
    _supervise(folder, launch.command(folder), f"train {name}", progress)
    return run


def read_run(lake: Lake, run_id: str) -> Run:
    """The manifest of a run in the lake."""
    return Run.model_validate_json((lake.run(run_id) / "run.json").read_text())


def manifest(
    release: Release,
    name: str,
    recipe: Recipe,
    parents: Mapping[str, str],
    seed: int,
    provenance: Mapping[str, str],
) -> Run:
    """The run that these make; another release, setting, seed, parent or code has another id."""
    stage = next(stage for stage, kind in STAGES.items() if isinstance(recipe.settings, kind))
    config: dict[str, Any] = {"stage": stage, "seed": seed, "threads": THREADS}
    config["settings"] = asdict(recipe.settings)
    if recipe.datasets:
        config["datasets"] = list(recipe.datasets)
    code = _code_sha256()
    content = json.dumps([name, config, dict(parents)], sort_keys=True)
    return Run(
        run_id=sha256_text("run-1", content, release.release_id, code)[:16],
        name=name,
        release_id=release.release_id,
        code_sha256=code,
        config=config,
        parents=dict(parents),
        provenance=dict(provenance),
    )


def _code_sha256() -> str:
    folder = Path(pengi_model.__path__[0])
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _spec(lake: Lake, release: Release, run: Run, progress: Progress) -> dict[str, Any]:
    versions = ingested(lake, release)
    trained = read_parts(release, run.config)
    return {
        "stage": run.config["stage"],
        "seed": run.config["seed"],
        "threads": run.config["threads"],
        "config": run.config["settings"],
        "reads": {
            "pairs": [
                {"path": str(lake.root / part.pairs.path), "splits": list(part.train)}
                for part in trained
            ],
            "waves": [
                str(make_waves(lake, part.dataset, versions[part.dataset].audio, progress))
                for part in trained
            ],
        },
        "parents": {
            stage: str(lake.run(run_id) / "model") for stage, run_id in run.parents.items()
        },
    }


def lacks(release: Release, recipe: Recipe) -> str | None:
    """Why this release has nothing that the recipe would train on, or None."""
    wanted = getattr(recipe.settings, "templates", None)
    for part in release.parts:
        if part.dataset in (recipe.datasets or (part.dataset,)):
            counts = part.pair_counts
            if any(counts[template] for template in counts if not wanted or template in wanted):
                return None
    return (
        f"no pair of template {', '.join(wanted or ['any'])} of "
        f"{', '.join(recipe.datasets) or 'any dataset'} in release {release.release_id}"
    )


def _supervise(folder: Path, command: list[str], label: str, progress: Progress) -> None:
    with (folder / "trainer.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            _follow(process.stdout, label, progress)
            process.wait()
        finally:
            _stop(process)
    if process.returncode:
        tail = (folder / "trainer.log").read_text(errors="replace").strip().splitlines()[-5:]
        raise TrainingError(
            f"{label}: the trainer ended with code {process.returncode}: {' | '.join(tail)}. "
            f"Whole log: {folder / 'trainer.log'}. Run again: it resumes from its last checkpoint."
        )


def _follow(lines: IO[str], label: str, progress: Progress) -> None:
    for line in lines:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:  # a library's own line
            continue
        if event["event"] == "step":
            progress(f"{label}: loss {event['loss']:.3f}, step", event["step"], event["steps"])
        elif event["event"] == "preparing":
            progress(f"{label}: {event['what']}", event["done"], event["total"])


def _stop(process: subprocess.Popen[str]) -> None:
    """SIGTERM to the trainer's group, so that it saves; SIGKILL after the grace period."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
