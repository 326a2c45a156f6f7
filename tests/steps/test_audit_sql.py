"""Every file of sql/audit in the bare DuckDB shell, beside what pairs and order say by hand."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audited import RAN, RUN, STEPS, WEIGHTS, Audited, audited, batch, order_of
from flows.steps.checks import sql
from flows.steps.lake import write_json
from flows.steps.release import make_release, training_pairs
from pengi_model import order

FOLDER = Path(__file__).parents[2] / "sql" / "audit"
SET = "set variable {} = ?"
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return audited(tmp_path_factory.mktemp("audited"))


@pytest.fixture(scope="module", params=["python", "shell"])
def ask(request: pytest.FixtureRequest, world: Audited) -> Ask:
    """Ask one file with variables set: by the library, and by the program duckdb alone."""
    if request.param == "python":
        return lambda name, **variables: by_library(world, name, variables)
    shell = request.getfixturevalue("referees") / "duckdb"
    return lambda name, **variables: by_shell(shell, world, name, variables)


def by_library(world: Audited, name: str, variables: dict[str, Any]) -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        con.execute("set variable lake = ?", [str(world.lake.root)])
        for key, value in variables.items():
            con.execute(SET.format(key), [value])
        cursor = con.execute(sql(f"audit/{name}"))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, line, strict=True)) for line in cursor.fetchall()]


def by_shell(
    shell: Path, world: Audited, name: str, variables: dict[str, Any]
) -> list[dict[str, Any]]:
    """No Python, no extension: DuckDB may load nothing but what it was built with."""
    given = {"lake": str(world.lake.root), **variables}
    sets = [f"set variable {key} = {value!r};" for key, value in given.items()]
    lines = ["set autoinstall_known_extensions = false;", *sets, f".read {FOLDER / name}.sql"]
    command = [shell, "-json", "-bail"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "[]")


def pairs_of(world: Audited) -> list[dict[str, Any]]:
    return training_pairs(world.lake, world.release.parts).to_pylist()


def test_every_file_is_asked_here() -> None:
    asked = Path(__file__).read_text()
    assert all(f'"{path.stem}"' in asked for path in FOLDER.glob("*.sql"))


def test_pairs_by_dataset_template_and_licence(ask: Ask, world: Audited) -> None:
    licences = {line["clip_id"]: line["licence"] for line in ask("attribution")}
    expected = Counter(
        (pair["dataset"], pair["template"], licences[pair["clip_id"]]) for pair in pairs_of(world)
    )
    found = {(n["dataset"], n["template"], n["licence"]): n["pairs"] for n in ask("pairs")}
    assert found == expected and sum(found.values()) == 10


def test_pairs_of_a_clip_an_origin_or_a_pair(ask: Ask, world: Audited) -> None:
    pair = pairs_of(world)[0]
    mine = {other["pair_id"] for other in pairs_of(world) if other["clip_id"] == pair["clip_id"]}
    by_clip = ask("pairs_of_clip", id=pair["clip_id"])
    assert {line["pair_id"] for line in by_clip} == mine and len(mine) == 2
    found = by_library(world, "pairs_of_clip", {"id": pair["clip_id"]})
    (origin,) = {line["origin_ids"][0] for line in found}
    assert {line["pair_id"] for line in ask("pairs_of_clip", id=origin)} == mine
    (one,) = ask("pairs_of_clip", id=pair["pair_id"])
    assert one["output"] == pair["output"] and one["archive_sha256"]
    assert ask("pairs_of_clip", id="' or true --") == []


def test_the_pairs_of_every_step(ask: Ask, world: Audited) -> None:
    for step in (0, 3, STEPS - 1):
        lines = ask("pairs_of_step", run=RUN, step=step)
        assert [line["pair_id"] for line in lines] == batch(world.lake, world.release, step)
        assert {line["ran"] for line in lines} == {step < RAN}
    assert ask("pairs_of_step", run=RUN, step=STEPS) == []


def test_the_steps_of_every_pair(ask: Ask, world: Audited) -> None:
    batches = [batch(world.lake, world.release, step) for step in range(STEPS)]
    for pair in pairs_of(world)[::4]:
        lines = ask("steps_of_pair", run=RUN, id=pair["pair_id"])
        saw = [step for step, ids in enumerate(batches) if pair["pair_id"] in ids]
        assert [line["step"] for line in lines] == saw
        assert [line["ran"] for line in lines] == [step < RAN for step in saw]
        assert [line["times"] for line in lines] == [
            batches[step].count(pair["pair_id"]) for step in saw
        ]


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.integers(1, 9), data=st.data())
def test_the_order_in_sql_is_the_order_of_the_trainer(
    world: Audited, seed: int, size: int, data: st.DataObject
) -> None:
    """Any seed and batch, and any plan: pengi_model/order.py says the same."""
    ids, path = order_of(world.lake, world.release), world.lake.run("order") / "order.json"
    first_sample = data.draw(st.integers(0, 10**6))
    plan = [
        {"first": 0, "stop": 10, "batch": size, "first_sample": 0},
        {"first": 10, "stop": 20, "batch": size + 1, "first_sample": first_sample},
    ]
    facts = {"seed": seed, "pairs": len(ids), "templates": WEIGHTS, "plan": plan}
    write_json(path, facts)
    write_json(path.with_name("run.json"), {"release_id": world.release.release_id})
    path.with_name("steps.jsonl").write_text('{"first": 0, "stop": 20}\n')
    step = data.draw(st.integers(10, 19))
    begins = first_sample + (step - 10) * (size + 1)
    places = order.samples(len(ids), seed, begins, size + 1)
    lines = by_library(world, "pairs_of_step", {"run": "order", "step": step})
    assert [line["position"] for line in lines] == places.tolist()
    assert [line["pair_id"] for line in lines] == [ids[place] for place in places]
    if begins < 2000:  # else too many epochs to go through backwards
        back = by_library(world, "steps_of_pair", {"run": "order", "id": lines[0]["pair_id"]})
        assert step in [line["step"] for line in back]


def test_what_was_rejected_and_where_the_archives_are_from(ask: Ask, world: Audited) -> None:
    assert {line["dataset"] for line in ask("archives")} == {"kitchen", "garden"}
    assert sum(line["clips"] for line in ask("archives")) == 6
    reasons = {(line["dataset"], line["reason"]) for line in ask("rejected")}
    assert reasons == {("kitchen", "unreferenced")} or not reasons


def test_thanks_are_given_for_every_clip(ask: Ask, world: Audited) -> None:
    lines = {line["title"]: line for line in ask("attribution")}
    assert set(lines) == {"kettle.wav", "tap.wav", "clock.wav", "bird.wav", "steam.wav"}
    assert (lines["tap.wav"]["attribution"], lines["tap.wav"]["licence"]) == ("Bob", "CC0-1.0")


def test_overlap_with_what_a_benchmark_asked_about(ask: Ask, world: Audited) -> None:
    """The answers are about all sounds of the kitchen; the garden has its kettle as steam."""
    found = {(line["dataset"], line["benchmark"]): line for line in ask("overlap")}
    garden = found["garden", "esc50"]
    assert (garden["clips"], garden["pairs"], garden["by_origin"]) == (1, 2, 0)
    assert garden["by_file"] == garden["by_samples"] == 1
    assert found["kitchen", "esc50"]["clips"] == 3


def test_who_trained_on_a_clip(ask: Ask, world: Audited) -> None:
    (line,) = ask("runs_of_clip", id="freesound:7")
    assert (line["run_id"], line["name"], line["pairs"]) == (RUN, "pengi", 2)
    assert ask("runs_of_clip", id="freesound:9") == []  # its split is not trained on


def test_what_a_release_lost_and_why(ask: Ask, world: Audited) -> None:
    more = make_release(
        world.lake, world.stops, {"kitchen": ("train", "test"), "garden": ("train",)}, {}
    )
    fewer = make_release(world.lake, world.stops[:1], {"kitchen": ("train",)}, {})
    world.lake.move_head(fewer.release_id, world.release.release_id)
    lines = ask("release_diff", old=more.release_id, new=fewer.release_id)
    found = {(n["change"], n["dataset"], n["reason"]): 0 for n in lines}
    for line in lines:
        found[line["change"], line["dataset"], line["reason"]] += line["pairs"]
    assert found == {("lost", "garden", "dataset"): 4, ("lost", "kitchen", "split"): 2}
    back = ask("release_diff", old=fewer.release_id, new=more.release_id)
    assert sum(line["pairs"] for line in back if line["change"] == "added") == 6
    assert ask("release_diff", old=more.release_id, new=more.release_id) == []
