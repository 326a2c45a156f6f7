"""The flow from archive to table cell, as a user runs it: finished once, found ever after."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from prefect import flow

from flows import datasets
from flows import pengi as stops
from flows.evaluate import evaluate
from flows.params import Params
from flows.steps.lake import Lake
from flows.steps.release import read_release
from flows.steps.results import results
from flows.train import TrainingError, read_run

pytestmark = pytest.mark.slow

Command = Callable[..., Any]


def files(lake: Lake) -> dict[Path, int]:
    """When each file of the lake was written; locks, logs and the report aside."""
    found = [path for path in lake.root.rglob("*") if path.is_file() and path.name[0] != "."]
    return {path: path.stat().st_mtime_ns for path in found if "reports" not in path.parts}


def our_cells(lake: Lake) -> list[dict[str, Any]]:
    return [cell for cell in results(lake) if cell["column"] == "esc10"]


def test_every_stop_left_what_it_owes(flow_lake: Lake) -> None:
    rows = pq.read_table(next((flow_lake.root / "rows").rglob("*.parquet")))
    pairs = pq.read_table(next((flow_lake.root / "pairs").rglob("*.parquet")))
    (rejected,) = (flow_lake.root / "rejected" / "esc10").glob("pairs-*.parquet")
    assert rows.num_rows == pairs.num_rows + pq.read_metadata(rejected).num_rows
    assert set(pairs["input"].to_pylist()) == {"this is a sound of"}
    for cell in our_cells(flow_lake):
        assert cell["n"] == 60  # fold 5 of the small copy, no broken clip in it
        assert cell["ours"] * 60 == pytest.approx(round(cell["ours"] * 60))
        assert cell["ci_low"] <= cell["ours"] <= cell["ci_high"]
    assert {cell["row"] for cell in our_cells(flow_lake)} == {"CLAP", "Pengi"}


def test_a_model_is_published_with_what_it_learned_from(
    flow_lake: Lake, pengi: Command, tmp_path: Path
) -> None:
    out = tmp_path / "published"
    assert pengi("export", "model", "--out", out, "--lake", flow_lake.root).code == 0
    text, release = (out / "README.md").read_text(), read_release(flow_lake, "HEAD")
    assert f"data release {release.release_id}, of {release.pairs} pairs" in text
    data = text.partition("## Results")[0]
    counts = re.findall(r"^\| esc10 \| .+ \| (\d+) \|$", data, re.MULTILINE)
    assert sum(map(int, counts)) == release.pairs
    (cell,) = (cell for cell in our_cells(flow_lake) if cell["row"] == "Pengi")
    assert f"| accuracy | {cell['ours']:.4f} |" in text
    mine, theirs = (
        (folder / "model.safetensors").read_bytes()
        for folder in (out, flow_lake.run(cell["run_id"]) / "model")
    )
    assert mine == theirs
    assert (
        pengi("export", "model", "--run", "gone", "--out", out, "--lake", flow_lake.root).code == 2
    )


def test_no_test_clip_was_trained_on(flow_lake: Lake) -> None:
    (pairs,) = (flow_lake.root / "pairs").rglob("*.parquet")
    table = pq.read_table(pairs)
    fold5 = {line["clip_id"] for line in table.to_pylist() if line["split"] == "fold5"}
    assert len(fold5) == 60
    for run_id in flow_lake.runs():
        spec = json.loads((flow_lake.run(run_id) / "spec.json").read_text())
        (part,) = spec["reads"]["pairs"]
        assert part["splits"] == ["fold1", "fold2", "fold3", "fold4"]
        answers = list((flow_lake.run(run_id) / "answers").glob("*.parquet"))
        for path in answers:
            assert set(pq.read_table(path)["clip_id"].to_pylist()) == fold5


def test_a_second_run_redoes_nothing(flow_lake: Lake, run_flow: Callable[[Path], Path]) -> None:
    before = files(flow_lake)
    report = run_flow(flow_lake.root)
    assert files(flow_lake) == before
    assert report.is_file()


def test_two_runs_from_scratch_agree(
    flow_lake: Lake, run_flow: Callable[[Path], Path], tmp_path: Path
) -> None:
    run_flow(tmp_path / "again")
    again = Lake.open(tmp_path / "again")
    assert again.head() == flow_lake.head()
    assert again.runs() == flow_lake.runs()
    assert results(again) == results(flow_lake)


def test_scores_are_made_again_without_the_model(flow_lake: Lake, tmp_path: Path) -> None:
    copy = Lake(tmp_path / "copy")
    shutil.copytree(flow_lake.root, copy.root)
    for run_id in copy.runs():
        shutil.rmtree(copy.run(run_id) / "model")
        shutil.rmtree(copy.run(run_id) / "scores", ignore_errors=True)
    release = read_release(copy, "HEAD")
    benchmarks = datasets.load("esc10").benchmarks
    runs = [read_run(copy, run_id) for run_id in copy.runs()]
    for run in (run for run in runs if run.name in ("clap", "pengi")):
        (path,) = evaluate(copy, release, run, benchmarks)
        assert path.read_bytes() == (flow_lake.root / copy.relative(path)).read_bytes()
    assert results(copy) == results(flow_lake)


def test_commands_read_the_lake(flow_lake: Lake, pengi: Command) -> None:
    where = ("--lake", flow_lake.root)
    cells = json.loads(pengi("results", "--json", *where).out)
    assert [cell for cell in cells if cell["column"] == "esc10"] == our_cells(flow_lake)
    published = next(
        c for c in cells if (c["table"], c["row"], c["column"]) == ("table3", "Pengi", "esc50")
    )
    assert (published["paper"], published["ours"]) == (0.9195, None)
    assert published["reason"]
    assert "esc10" in pengi("results", *where).out

    (release,) = json.loads(pengi("release", "list", "--json", *where).out)
    assert release == {"release_id": flow_lake.head(), "pairs": 240, "head": True}
    assert pengi("release", "verify", *where).code == 0

    pairs = pq.read_table(next((flow_lake.root / "pairs").rglob("*.parquet"))).to_pylist()
    (read, *_) = json.loads(pengi("steps", "--step", 0, "--run", "pengi", "--json", *where).out)[
        "pairs"
    ]
    pair = next(line for line in pairs if line["pair_id"] == read)
    chain = json.loads(pengi("trace", pair["pair_id"], "--json", *where).out)
    (clip,) = (node for node in chain["back"] if node["kind"] == "clip")
    archive = next((flow_lake.root / "raw" / "esc10").glob("*.zip"))
    assert clip["back"][0]["facts"]["bytes"] == archive.stat().st_size
    assert clip["back"][0]["facts"]["url"].startswith("http://127.0.0.1:")
    (release,) = chain["forth"]
    assert release["id"] == flow_lake.head()
    runs = {run["facts"]["name"]: run["facts"]["presented"] for run in release["forth"]}
    assert runs.keys() == {"language_model", "clap", "pengi"} and runs["pengi"] > 0


@pytest.mark.parametrize(("fault", "tried"), [(TrainingError("killed"), 2), (KeyError("bug"), 1)])
def test_only_a_failed_trainer_is_tried_again(
    fault: Exception, tried: int, prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def train(*arguments: Any) -> str:
        calls.append(arguments[2])
        if len(calls) == 1:
            raise fault
        return "trained"

    @flow
    def once() -> Any:
        task = stops.train_run.with_options(retry_delay_seconds=0)
        return task(None, None, "clap", Params(), [], return_state=True)

    monkeypatch.setattr(stops, "train", train)
    assert once(return_state=True).is_completed() == (tried == 2)
    assert calls == ["clap"] * tried


def test_generate_answers_for_good_files_and_says_which_are_bad(
    flow_lake: Lake, pengi: Command, tmp_path: Path
) -> None:
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "good.wav", 0.1 * np.ones(44_100), 44_100)
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    said = pengi("generate", tmp_path, "--lake", flow_lake.root, "--beam", 2, "--json")
    bad, good = json.loads(said.out)
    assert said.code == 1
    assert "bad.wav" in bad["error"] and bad["text"] is None
    assert isinstance(good["text"], str) and good["score"] < 0
    assert pengi("generate", tmp_path / "good.wav", "--lake", flow_lake.root).code == 0
