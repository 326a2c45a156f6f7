"""The held-out share: clips no step trains on, and what is told of them."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pengi_model import order
from pengi_model.model import Pengi
from pengi_model.progress import read_lines
from pengi_model.reads import Reads
from pengi_model.settings import Schedule
from pengi_model.train import train
from training_world import CLAP, PENGI, World, build, quiet, trained

HELD = 0.4
CONFIGS = {
    "clap": replace(CLAP, held_out=HELD, validate=2),
    "pengi": replace(
        PENGI,
        warmup=Schedule(steps=2, batch=4, rate=2e-3),
        schedule=Schedule(steps=2, batch=4, rate=5e-4),
        held_out=HELD,
        validate=2,
    ),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Both stages trained with a held-out share; ids are spread as hashes are."""
    made = trained(tmp_path_factory.mktemp("held"))
    made.reads = build(made.folder / "spread", clips=13, spread=True)
    for stage, config in CONFIGS.items():
        train(made.spec(f"{stage}-held", stage, config), quiet)
    return made


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return build(tmp_path_factory.mktemp("spread"), clips=13, spread=True)


@given(share=st.floats(0.0, 0.9), times=st.integers(1, 3), seed=st.integers(0, 2**32))
def test_no_step_reads_a_held_out_clip(
    spread: dict[str, object], share: float, times: int, seed: int
):
    reads = Reads(spread, {"sound_event_classification": times}, share)
    held = set(reads.clip_of(reads.validation).tolist())
    seen = reads.rows[order.samples(len(reads), seed, 0, 3 * len(reads))]
    assert not held & set(reads.clip_of(seen).tolist())
    assert held | set(reads.clip_of(seen).tolist()) == set(range(12))
    ids = [reads.clips[clip] for clip in sorted(held)]
    assert ids == [clip for clip in reads.clips if int(clip[:8], 16) / 2**32 < share]


def losses(folder: Path) -> dict[int, float]:
    """Validation losses by step."""
    lines = read_lines(folder / "metrics.jsonl")
    return {line["step"]: line["validation_loss"] for line in lines if "validation_loss" in line}


@pytest.mark.parametrize("stage", CONFIGS)
def test_the_best_checkpoint_stays(world: World, stage: str):
    folder = world.folder / f"{stage}-held"
    found = losses(folder)
    assert sorted(found) == ([2, 4, 6] if stage == "clap" else [2, 4])
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["best.pt"]
    best = torch.load(folder / "checkpoints" / "best.pt", weights_only=True)
    assert best["step"] == min(found, key=lambda step: found[step])
    assert best["best"] == pytest.approx(min(found.values()), abs=1e-6)


def test_the_last_validation_is_the_saved_models_loss(world: World):
    folder = world.folder / "pengi-held"
    model = Pengi.from_pretrained(folder / "model")
    reads = Reads(world.reads, held_out=HELD)
    rows = reads.validation
    waves = torch.from_numpy(reads.waves.windows(reads.clip_of(rows), model.config.samples))
    prompts = model.prompt_ids([reads.inputs[i] for i in reads.input_of(rows)])
    captions = model.caption_ids([reads.outputs[i] for i in reads.output_of(rows)])
    with torch.no_grad():
        expected = model(waves / 32768, prompts, captions).item()
    assert losses(folder)[4] == pytest.approx(expected, rel=0.02)  # edges of cut log-mels differ


def test_answers_are_of_held_out_pairs(world: World):
    answers = read_lines(world.folder / "pengi-held" / "samples.jsonl")
    reads = Reads(world.reads, held_out=HELD)
    held = set(reads.pair_ids(reads.validation))
    assert {answer["step"] for answer in answers} == {2, 4}
    for answer in answers:
        assert answer["pair_id"] in held
        assert answer["target"] in {"low tone", "high tone"}
        assert answer["prompt"] == "this is a sound of" and isinstance(answer["answer"], str)


@pytest.mark.parametrize("stage", CONFIGS)
def test_metrics_are_a_table_in_long_form(world: World, stage: str):
    folder = world.folder / f"{stage}-held"
    table = pq.read_table(folder / "metrics.parquet")
    assert {field.name: str(field.type) for field in table.schema} == {
        "step": "int64",
        "name": "string",
        "value": "double",
    }
    rows = {(row["step"], row["name"]): row["value"] for row in table.to_pylist()}
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert rows == {
        (line["step"], name): value
        for line in lines
        for name, value in line.items()
        if name not in ("step", "steps")
    }
    assert {"loss", "lr", "gradient_norm", "clips_per_s", "validation_loss"} <= {n for _, n in rows}
