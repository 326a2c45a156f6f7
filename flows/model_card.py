"""A trained model in a folder for others, its card naming the data release and the results."""

import json
from pathlib import Path
from typing import Any

from flows.steps.known import Known
from flows.steps.lake import Lake, LakeError
from flows.steps.release import read_parts, read_release
from flows.steps.results import scores
from flows.steps.tally import tally
from schemas import RequestError, Run


def publish(lake: Lake, name: str, out: Path) -> Path:
    """Write the model of a run (id or name; of a name the newest) and its card into `out`."""
    from pengi_model import Clap, Pengi

    run = _run(lake, name)
    kinds = {"pengi": Pengi, "clap": Clap}
    if (stage := run.config["stage"]) not in kinds:
        raise RequestError(
            f"run {run.name} is of stage {stage}: expected one of {', '.join(kinds)}."
        )
    model = kinds[stage].from_pretrained(lake.run(run.run_id) / "model")
    model.save_pretrained(out, card(lake, run))
    return out


def card(lake: Lake, run: Run) -> str:
    """Markdown: run, release and its parts, licences, headline results, settings."""
    release = read_release(lake, run.release_id)
    lines = [
        f"Run `{run.name}` ({run.run_id}) on data release {release.release_id}, of "
        f"{release.pairs} pairs.",
        "",
        "## Training data",
        *_table(("dataset", "licence", "pairs"), _parts(lake, run)),
        "",
        "## Results",
        *_table(("benchmark", "prompt", "metric", "value", "95 %", "n"), _results(lake, run)),
        "",
        "## Settings",
        "```json",
        json.dumps({"parents": run.parents, **run.config}, indent=1, sort_keys=True),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _run(lake: Lake, name: str) -> Run:
    found = [
        run
        for run in Known(lake).runs
        if name in (run.run_id, run.name) and (lake.run(run.run_id) / "model").is_dir()
    ]
    if not found:
        raise LakeError(
            f"run {name}: no trained model of that id or name in {lake.root}. "
            f"Found: {', '.join(lake.runs()) or 'no run'}. Train it with `pengi train`."
        )
    return max(found, key=lambda run: (run.provenance.get("made", ""), run.run_id))


def _parts(lake: Lake, run: Run) -> list[tuple[object, ...]]:
    counts: dict[tuple[str, str], int] = {}
    for part in read_parts(read_release(lake, run.release_id), run.config):
        for line in tally(lake, part):
            key = part.dataset, line["licence"] or "not stated"
            counts[key] = counts.get(key, 0) + line["pairs"]
    return [(*key, count) for key, count in counts.items()]


def _results(lake: Lake, run: Run) -> list[tuple[object, ...]]:
    lines: list[dict[str, Any]] = scores(lake, [run]).to_pylist()
    return [
        (
            line["benchmark"],
            line["prompt"],
            line["metric"],
            f"{line['value']:.4f}",
            f"{line['ci_low']:.4f} .. {line['ci_high']:.4f}",
            line["n"],
        )
        for line in lines
        if line["headline"] and line["value"] is not None
    ]


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    if not rows:
        return ["None yet."]
    return [f"| {' | '.join(map(str, row))} |" for row in (head, ("---",) * len(head), *rows)]
