"""Steps of a pair and pairs of a step are inverse to each other, whatever ran of the plan."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audited import BATCH, RAN, RUN, STEPS, Audited, audited, batch
from flows.presented import (
    Presented,
    pairs_of_step,
    positions_of_pair,
    positions_of_step,
    presented,
    readings,
    steps_of_pair,
)
from flows.steps.lake import Lake, LakeError, write_json, write_table
from pengi_model import order
from pengi_model.reads import Reads
from schemas import File, Part, Release, Run

Line = dict[str, Any]
TEMPLATES = ("a", "b", "c")
COLUMNS = ("pair_id", "clip_id", "split", "template", "dataset", "input", "output")
_numbers = count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """One lake for all examples, with what it caches."""
    return Lake.create(tmp_path_factory.mktemp("presented") / "lake")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return audited(tmp_path_factory.mktemp("audited"))


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[dict[str, int]], list[tuple[int, int]]]:
    """Ranges of steps with batches of their own, and what ran of them with gaps."""
    ranges: list[dict[str, int]] = []
    step = sample = 0
    for _ in range(draw(st.integers(1, 3))):
        steps, size = draw(st.integers(1, 12)), draw(st.integers(1, 7))
        ranges.append({"first": step, "stop": step + steps, "batch": size, "first_sample": sample})
        step, sample = step + steps, sample + steps * size
    cuts = sorted(draw(st.sets(st.integers(0, step), max_size=6)))
    return ranges, list(zip(cuts[::2], cuts[1::2], strict=False))


SEEDS = st.integers(0, 2**40)


def walked(plan: Sequence[Mapping[str, int]], n: int, seed: int) -> Iterator[tuple[int, int, int]]:
    """(step, epoch, position) of all samples of a training, one after the other."""
    for part in plan:
        for step in range(part["first"], part["stop"]):
            start = part["first_sample"] + (step - part["first"]) * part["batch"]
            for sample in range(start, start + part["batch"]):
                epoch, place = divmod(sample, n)
                yield step, epoch, int(order.positions(n, seed, epoch, place))


@given(plans(), st.integers(1, 40), SEEDS)
def test_steps_of_a_position_and_positions_of_a_step_are_inverse(
    plan: tuple[list[dict[str, int]], list[tuple[int, int]]], n: int, seed: int
) -> None:
    known = Presented(n, seed, *plan, [], [], np.arange(n, dtype=np.uint32))
    every = list(walked(known.plan, n, seed))
    found = [read for position in range(n) for read in readings(known, [position])]
    assert Counter(map(tuple, found)) == Counter(every)
    assert readings(known, range(n)) == sorted(every)
    happened = {step for first, stop in known.ran for step in range(first, stop)}
    for step in range(known.steps):
        assert known.has_run(step) == (step in happened)
        read = [position for at, _, position in every if at == step]
        assert positions_of_step(known, step).tolist() == read


def test_a_step_beyond_the_plan_is_refused() -> None:
    plan = [{"first": 0, "stop": 4, "batch": 2, "first_sample": 0}]
    known = Presented(5, 1, plan, [], [], [], np.arange(5, dtype=np.uint32))
    with pytest.raises(LakeError, match="step 4: expected a planned step, 0 to 3"):
        positions_of_step(known, 4)
    assert readings(known._replace(plan=[]), [2]) == []


@st.composite
def tables(draw: st.DrawFn) -> list[list[Line]]:
    """Two pairs files of a few rows."""
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


def written(lake: Lake, files: Sequence[Sequence[Line]], facts: Line, ran: Sequence[Line]) -> Run:
    """A release of these pairs files, and a run on it with this order.json and steps.jsonl."""
    parts: list[Part] = []
    for name, rows in zip("abcdef", files, strict=False):
        version = hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
        path = lake.pairs(name, version)
        if not path.is_file():
            schema = pa.schema([(column, pa.string()) for column in COLUMNS])
            write_table(path, pa.Table.from_pylist(list(rows), schema))
        file = File(path=lake.relative(path), bytes=path.stat().st_size, sha256="0" * 64)
        parts.append(
            Part(
                dataset=name, rows=file, clips=file, pairs=file, shards=(), train=("train",),
                pair_counts={"a": 1}, clips_in_release=1, seconds_in_release=1.0, rejected=0,
            )
        )  # fmt: skip
    name = f"{next(_numbers):016x}"
    release = Release(
        release_id=name, leakage="paper", templates={}, parts=tuple(parts), pairs=1,
        pairs_sha256="", provenance={},
    )  # fmt: skip
    run = Run(run_id=name, name="r", release_id=name, code_sha256="", config={"stage": "pengi"})
    write_json(lake.release(name), release.model_dump())
    write_json(lake.run(name) / "run.json", run.model_dump())
    write_json(lake.run(name) / "order.json", facts)
    lines = "".join(f"{json.dumps(line)}\n" for line in ran)
    (lake.run(name) / "steps.jsonl").write_text(lines)
    return run


def sha256_of(ids: Sequence[str]) -> str:
    return hashlib.sha256("".join(f"{id}\n" for id in ids).encode()).hexdigest()


@settings(max_examples=40)
@given(
    tables(),
    plans(),
    SEEDS,
    st.dictionaries(st.sampled_from(TEMPLATES), st.integers(1, 3)),
    st.sampled_from([0.0, 0.25]),
)
def test_steps_of_a_pair_and_pairs_of_a_step_are_inverse(
    shared: Lake,
    files: list[list[Line]],
    plan: tuple[list[dict[str, int]], list[tuple[int, int]]],
    seed: int,
    templates: dict[str, int],
    held_out: float,
) -> None:
    """Against the lines of the pairs files, counted one by one, and a walk over all samples."""
    ids: list[str] = []
    for row in (row for rows in files for row in rows):
        times = templates.get(row["template"], 0) if templates else 1
        held = int(row["clip_id"], 16) < held_out * 2**128
        ids += [row["pair_id"]] * (times if row["split"] == "train" and not held else 0)
    assume(ids)  # without a pair there is no training
    ranges, ran = plan
    facts = {"seed": seed, "pairs": len(ids), "pairs_sha256": sha256_of(ids), "plan": ranges}
    facts |= {"templates": templates, "held_out": held_out}
    run = written(shared, files, facts, [{"first": a, "stop": b} for a, b in ran])
    known = presented(shared, run)
    assert known is not None and known.ran == ran
    every = list(walked(ranges, len(ids), seed))
    for pair in (row["pair_id"] for rows in files for row in rows):
        assert positions_of_pair(shared, known, pair) == [p for p, i in enumerate(ids) if i == pair]
        read = {step for step, _, position in every if ids[position] == pair}
        assert steps_of_pair(shared, known, pair) == sorted(read)
    for step in range(known.steps):
        read = [ids[position] for at, _, position in every if at == step]
        assert pairs_of_step(shared, known, step) == read


def test_one_order_of_pairs_that_stand_elsewhere_in_another_release(shared: Lake) -> None:
    """A pair that is tested on comes first in the second release; the training reads the same."""
    rows = [
        {"pair_id": f"{n:032x}", "clip_id": f"{n:032x}", "split": split, "template": "a"}
        for n, split in enumerate(["test", "train", "train", "train"])
    ]
    ids = [row["pair_id"] for row in rows[1:]]
    facts: Line = {"seed": 5, "pairs": 3, "pairs_sha256": sha256_of(ids), "templates": {}}
    facts["plan"] = [{"first": 0, "stop": 1, "batch": 3, "first_sample": 0}]
    for files in ([rows[1:]], [rows]):
        known = presented(shared, written(shared, files, facts, []))
        assert known is not None and set(pairs_of_step(shared, known, 0)) == set(ids)
        assert [positions_of_pair(shared, known, id) for id in ids] == [[0], [1], [2]]


def test_it_agrees_with_what_training_reads(shared: Lake, tmp_path: Path) -> None:
    rows = [
        {
            "pair_id": f"{n + 100:032x}",
            "clip_id": f"{n * 2654435761 % 2**32:08x}{n:024x}",
            "split": "test" if n == 5 else "train",
            "template": TEMPLATES[n % 3],
            "dataset": "a",
            "input": "this is a sound of",
            "output": "rain",
        }
        for n in range(12)
    ]
    clips = [
        {"clip_id": row["clip_id"], "start": 100 * n, "length": 100} for n, row in enumerate(rows)
    ]
    np.zeros(100 * len(rows), "<i2").tofile(tmp_path / "samples.int16")
    pq.write_table(pa.Table.from_pylist(clips), tmp_path / "index.parquet")
    plan = [{"first": 0, "stop": 6, "batch": 5, "first_sample": 0}]
    run = written(shared, [rows], {}, [])
    path = shared.root / "pairs" / "a"
    (file,) = (p for p in path.glob("*.parquet") if pq.read_table(p).to_pylist() == rows)
    spec = {"pairs": [{"path": str(file), "splits": ["train"]}], "waves": [str(tmp_path)]}
    reads = Reads(spec, {"a": 2, "b": 1}, held_out=0.3)
    facts = reads.order(plan) | {"seed": 9}
    assert 0 < len(reads) < 11
    write_json(shared.run(run.run_id) / "order.json", facts)
    known = presented(shared, run)
    assert known is not None
    for step in range(6):
        positions = order.samples(len(reads), 9, step * 5, 5)
        assert pairs_of_step(shared, known, step) == reads.pair_ids(reads.rows[positions])
    write_json(shared.run(run.run_id) / "order.json", facts | {"pairs_sha256": "0" * 64})
    with pytest.raises(LakeError, match="A pairs file has changed"):
        presented(shared, run)


def test_the_command_goes_both_ways(world: Audited, pengi: Callable[..., Any]) -> None:
    """Pairs stand three times in an epoch, so that a step may read one more than once."""
    where = ("--lake", world.lake.root)
    batches = [batch(world.lake, world.release, step) for step in range(STEPS)]
    pair = batches[4][0]
    found = json.loads(pengi("steps", "--pair", pair, "--json", *where).out)
    (line,) = found["runs"]
    assert (found["pair_id"], line["run_id"], line["name"]) == (pair, RUN, "pengi")
    read = [step for step in range(RAN) for id in batches[step] if id == pair]
    assert [each["step"] for each in line["steps"]] == read
    samples = [each["epoch"] * line["pairs"] for each in line["steps"]]
    assert all(
        first // BATCH <= step <= (first + line["pairs"] - 1) // BATCH
        for first, step in zip(samples, read, strict=True)
    )
    epochs = [each["epoch"] for each in line["steps"]]
    told = ", ".join(f"{s} (epoch {e})" for s, e in zip(read, epochs, strict=True))
    assert pengi("steps", "--pair", pair, "--run", RUN, *where).out == f"pengi {RUN}: {told}\n"
    step = json.loads(pengi("steps", "--step", "4", "--run", "pengi", "--json", *where).out)
    assert step == {"run_id": RUN, "name": "pengi", "step": 4, "ran": True, "pairs": batches[4]}
    later = pengi("steps", "--step", RAN, "--run", "pengi", *where)
    assert later.code == 0 and later.out.split() == batches[RAN]
    assert later.err == f"step {RAN} is planned and did not run\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pair", "0" * 32], f"expected a pair that a run reads; none of pengi {RUN} does"),
        (["--pair", "xyz"], "'xyz' is no pair id: expected 32 hex digits"),
        (["--step", STEPS, "--run", "pengi"], f"run {RUN}: step 40: expected a planned step, 0 to"),
        (["--step", "1", "--run", "clap"], "no run 'clap' that reads pairs in order: pengi"),
        ([], "give either --pair ID, or --step N with --run R"),
    ],
)
def test_a_wrong_question(
    arguments: list[Any], said: str, world: Audited, pengi: Callable[..., Any]
) -> None:
    answer = pengi("steps", *arguments, "--lake", world.lake.root)
    assert answer.code == 2 and said in answer.err
    assert "Traceback" not in answer.err
