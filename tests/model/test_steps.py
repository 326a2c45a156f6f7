"""Steps of a pair and pairs of a step are inverse to each other, whatever ran of the plan."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pengi_model import order
from pengi_model.positions import Positions, PositionsError, build
from pengi_model.reads import Reads
from pengi_model.steps import Plan, StepsError
from training_world import build as build_world

TEMPLATES = ("a", "b", "c")
COLUMNS = ("pair_id", "clip_id", "split", "template")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Ranges of steps with batches of their own, and what ran of them with gaps."""
    ranges: list[dict[str, int]] = []
    step = sample = 0
    for _ in range(draw(st.integers(1, 3))):
        steps, batch = draw(st.integers(1, 12)), draw(st.integers(1, 7))
        ranges.append({"first": step, "stop": step + steps, "batch": batch, "first_sample": sample})
        step, sample = step + steps, sample + steps * batch
    cuts = sorted(draw(st.sets(st.integers(0, step), max_size=6)))
    ran = [{"first": a, "stop": b} for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    values = {
        "seed": draw(st.integers(0, 2**40)),
        "pairs": draw(st.integers(1, 40)),
        "plan": ranges,
    }
    return Plan(values, ran)


@given(plans())
def test_steps_of_a_position_and_positions_of_a_step_are_inverse(plan: Plan):
    """Against a walk over all samples of the training, one after the other."""
    walked: Counter[tuple[int, int]] = Counter()
    for line in plan.order["plan"]:
        for step in range(line["first"], line["stop"]):
            start = line["first_sample"] + (step - line["first"]) * line["batch"]
            read = [
                int(
                    order.positions(
                        plan.pairs, plan.order["seed"], sample // plan.pairs, sample % plan.pairs
                    )
                )
                for sample in range(start, start + line["batch"])
            ]
            assert plan.of_step(step).tolist() == read
            if any(each["first"] <= step < each["stop"] for each in plan.ran):
                walked.update((step, position) for position in read)
    found: Counter[tuple[int, int]] = Counter()
    for position in range(plan.pairs):
        reads = plan.of_positions(np.array([position]))
        found.update((read.step, read.position) for read in reads)
    assert found == walked


def test_a_step_beyond_the_plan_is_refused():
    plan = Plan({"seed": 1, "pairs": 5, "plan": [{"first": 0, "stop": 4, "batch": 2,
                 "first_sample": 0}]}, [])  # fmt: skip
    with pytest.raises(StepsError, match="step 4: expected a planned step, 0 to 3"):
        plan.of_step(4)


@st.composite
def tables(draw: st.DrawFn) -> list[list[dict[str, str]]]:
    """Pairs files of a few rows each."""
    ids = draw(st.lists(st.integers(0, 2**128 - 1), min_size=1, max_size=30, unique=True))
    split, template = st.sampled_from(["train", "test"]), st.sampled_from(TEMPLATES)
    rows = [
        {
            "pair_id": f"{each:032x}",
            "clip_id": f"{draw(st.integers(0, 2**128 - 1)):032x}",
            "split": draw(split),
            "template": draw(template),
        }
        for each in ids
    ]
    cut = draw(st.integers(0, len(rows)))
    return [rows[:cut], rows[cut:]]


@given(
    tables(),
    st.dictionaries(st.sampled_from(TEMPLATES), st.integers(1, 3)),
    st.sampled_from([0.0, 0.25]),
)
def test_the_index_counts_pairs_as_the_lines_say(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[list[dict[str, str]]],
    templates: dict[str, int],
    held_out: float,
):
    folder = tmp_path_factory.mktemp("positions")
    expected: list[str] = []
    for number, rows in enumerate(files):
        schema = pa.schema([(name, pa.string()) for name in COLUMNS])
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{number}.parquet")
        for row in rows:
            times = templates.get(row["template"], 0) if templates else 1
            held = int(row["clip_id"], 16) < held_out * 2**128
            expected += [row["pair_id"]] * (times if row["split"] == "train" and not held else 0)
    told = hashlib.sha256("".join(f"{pair}\n" for pair in expected).encode()).hexdigest()
    values = {"templates": templates, "held_out": held_out, "pairs_sha256": told}
    paths = [(folder / f"{number}.parquet", ["train"]) for number in range(len(files))]
    index = build(paths, values, folder / "index")
    assert len(index) == len(expected)
    again = Positions(folder / "index")
    everywhere = order.samples(len(expected), 0, 0, len(expected)) if expected else []
    assert again.pairs(everywhere) == [expected[at] for at in everywhere]
    for row in (row for rows in files for row in rows):
        places = [at for at, pair in enumerate(expected) if pair == row["pair_id"]]
        assert again.of(row["pair_id"]).tolist() == places


def test_the_index_agrees_with_what_training_reads(tmp_path: Path):
    spec: dict[str, Any] = build_world(tmp_path / "world")
    reads = Reads(spec, {"sound_event_classification": 2})
    (part,) = spec["pairs"]
    index = build([(Path(part["path"]), part["splits"])], reads.order([]), tmp_path / "i")
    assert len(index) == len(reads) == 10
    assert index.of(f"{101:032x}").tolist() == [2, 3]
    with pytest.raises(PositionsError, match="A pairs file was changed"):
        build([(Path(part["path"]), ["test"])], reads.order([]), tmp_path / "j")
