"""The chains of an audit: every kind of id, both ways, and what happens when something is wrong."""

import hashlib
import json
import multiprocessing
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audited import BATCH, RAN, RUN, STEPS, Audited, audited, batch, order_of
from flows import cli
from flows.presented import pairs_of_step, presentations, presented, steps_of_pair
from flows.steps.known import Known
from flows.steps.lake import Lake, LakeError, write_json, write_table
from flows.steps.release import make_release, training_pairs
from flows.steps.tree import as_tree, plain
from flows.trace import AmbiguousId, UnknownId, trace
from schemas import Run


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return audited(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def own(tmp_path: Path) -> Audited:
    """A lake that a test may harm."""
    return audited(tmp_path)


def nodes(found: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """Every node of a kind on the chain."""
    if found["kind"] == kind:
        yield found
    for way in ("back", "forth"):
        for child in found[way]:
            yield from nodes(child, kind)


def run_of(lake: Lake) -> Run:
    (run,) = Known(lake).runs
    return run


def test_a_result_goes_back_to_the_bytes_of_an_archive_and_their_licence(world: Audited) -> None:
    found = trace(world.lake, "table3/Pengi/esc50")
    assert (found["facts"]["paper"], found["facts"]["ours"]) == (0.9195, 0.25)
    (score,) = nodes(found, "score")
    (answers,) = nodes(found, "answers")
    (run,) = nodes(found, "run")
    (release,) = nodes(found, "release")
    assert score["facts"]["value"] == 0.25 and answers["facts"]["answers"] == 4
    assert (run["id"], run["facts"]["steps"]) == (RUN, RAN)
    assert run["facts"]["presentations"] == RAN * BATCH
    assert release["id"] == world.release.release_id
    assert release["facts"]["pairs"] == 10 and "FAILS" not in release["facts"]["state"]
    kitchen = next(node for node in nodes(found, "dataset") if node["id"] == "kitchen")
    assert kitchen["facts"]["licences"] == {"CC-BY-4.0": 2, "CC-BY-NC-3.0": 2, "CC0-1.0": 2}
    (pair,) = nodes(kitchen, "pair")
    (clip,) = nodes(pair, "clip")
    sound = world.copies["kitchen"] / clip["facts"]["name"]
    assert clip["facts"]["source_sha256"] == hashlib.sha256(sound.read_bytes()).hexdigest()
    (licence,) = nodes(clip, "licence")
    assert licence["facts"]["attribution"] in ("Ann", "Bob", "Eve")
    assert any(node["facts"].get("sha256") for node in nodes(clip, "archive"))
    assert trace(world.lake, "3/pengi/ESC50/accuracy")["id"] == found["id"]


def test_a_pair_knows_every_step_that_read_it(world: Audited) -> None:
    pair = training_pairs(world.lake, world.release.parts).to_pylist()[0]
    found = trace(world.lake, pair["pair_id"])
    (run,) = nodes(found, "run")
    batches = [batch(world.lake, world.release, step) for step in range(STEPS)]
    saw = [step for step, ids in enumerate(batches) if pair["pair_id"] in ids and step < RAN]
    assert run["facts"]["presented"] == len(saw) and run["facts"]["at_steps"] == saw[:10]
    assert found["facts"]["output"] == pair["output"]
    assert trace(world.lake, pair["pair_id"][:12])["id"] == pair["pair_id"]
    clip = trace(world.lake, pair["clip_id"])
    assert {node["id"] for node in nodes(clip, "pair")} >= {pair["pair_id"]}
    assert len(list(nodes(clip, "pair"))) == 2


def test_steps_and_pairs_are_each_others_inverse(world: Audited) -> None:
    known = presented(world.lake, run_of(world.lake))
    assert known is not None and known.n == len(order_of(world.lake, world.release))
    assert presentations(known) == RAN * BATCH
    saw: dict[str, set[int]] = {}
    for step in range(STEPS):
        ids = pairs_of_step(world.lake, known, step)
        assert ids == batch(world.lake, world.release, step)
        for id in ids:
            saw.setdefault(id, set()).add(step)
    for id, steps in saw.items():
        assert steps_of_pair(world.lake, known, id) == sorted(steps)
    assert steps_of_pair(world.lake, known, "0" * 32) == []


def test_clips_held_out_for_validation_are_in_no_step(own: Audited) -> None:
    path = own.lake.run(RUN) / "order.json"
    facts = json.loads(path.read_text())
    pairs = training_pairs(own.lake, own.release.parts).to_pylist()
    share = sorted(int(pair["clip_id"][:8], 16) for pair in pairs)[4] / 2**32
    gone = {p["pair_id"] for p in pairs if int(p["clip_id"][:8], 16) < share * 2**32}
    kept = [id for id in order_of(own.lake, own.release) if id not in gone]
    digest = hashlib.sha256("".join(f"{id}\n" for id in kept).encode()).hexdigest()
    facts |= {"held_out": share, "pairs": len(kept), "pairs_sha256": digest}
    path.write_text(json.dumps(facts))
    known = presented(own.lake, run_of(own.lake))
    assert known is not None and gone
    assert all(steps_of_pair(own.lake, known, id) == [] for id in gone)
    assert all(steps_of_pair(own.lake, known, id) for id in set(kept))


def test_a_step_in_a_gap_of_the_step_log_read_nothing(own: Audited) -> None:
    lines = '{"first": 0, "stop": 8}\n{"first": 20, "stop": 30}\n'
    (own.lake.run(RUN) / "steps.jsonl").write_text(lines)
    for id in set(order_of(own.lake, own.release)):
        (run,) = nodes(trace(own.lake, id), "run")
        saw = [s for s in range(STEPS) if id in batch(own.lake, own.release, s)]
        ran = [s for s in saw if s < 8 or 20 <= s < 30]
        assert (run["facts"]["presented"], run["facts"]["at_steps"]) == (len(ran), ran[:10])


def test_an_order_whose_pairs_have_changed_is_refused(own: Audited) -> None:
    path = own.lake.run(RUN) / "order.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pairs_sha256": "0" * 64}))
    with pytest.raises(LakeError, match="release verify"):
        presented(own.lake, run_of(own.lake))


def test_every_other_kind_of_id(world: Audited) -> None:
    lake = world.lake
    assert [node["id"] for node in nodes(trace(lake, "HEAD"), "run")] == [RUN]
    assert trace(lake, world.release.release_id)["kind"] == "release"
    assert trace(lake, "pengi")["id"] == trace(lake, RUN[:8])["id"] == RUN
    step = trace(lake, f"{RUN}:7")
    assert step["facts"]["pair_ids"] == batch(lake, world.release, 7)
    assert trace(lake, f"pengi:{RAN}")["facts"]["ran"].startswith("no")
    assert list(nodes(trace(lake, "kitchen"), "release"))
    assert trace(lake, "freesound:8")["facts"]["name"] == "tap.wav"
    answer = trace(lake, f"{RUN}/esc50/esc50.csv:1")
    assert answer["facts"]["answer"] == "tap" and list(nodes(answer, "clip"))
    line = Known(lake).archives("kitchen")[0]
    assert trace(lake, line["sha256"])["kind"] == "archive"


def test_unknown_and_ambiguous_ids_say_what_is_near(world: Audited) -> None:
    with pytest.raises(UnknownId, match="Close to it: kitchen"):
        trace(world.lake, "kitchn")
    with pytest.raises(UnknownId, match="table3/Pengi/esc50"):
        trace(world.lake, "table3/Pengi/esc5")
    with pytest.raises(AmbiguousId, match=r"kitchen: raw"):
        trace(world.lake, "raw")
    with pytest.raises(UnknownId):
        trace(world.lake, f"{RUN}:{STEPS}")
    for hostile in ("'; drop table pairs; --", "../../etc/passwd", "\x1b[31m", "%", "", "\0", ":"):
        with pytest.raises(UnknownId) as refused:
            trace(world.lake, hostile)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", str(refused.value))


@given(st.text())
def test_nothing_of_a_text_reaches_a_terminal_as_a_control(text: str) -> None:
    shown = as_tree({"kind": "clip", "id": text, "facts": {"name": text}, "back": [], "forth": []})
    assert len(shown.splitlines()) == (2 if text else 1)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert plain("é ü 猫 'x'") == "é ü 猫 'x'"


def test_a_release_that_fails_verification_is_shown_as_such(own: Audited) -> None:
    pair = training_pairs(own.lake, own.release.parts).to_pylist()[0]
    part = next(part for part in own.release.parts if part.dataset == "kitchen")
    rows = own.lake.root / part.rows.path
    content = bytearray(rows.read_bytes())
    content[len(content) // 2] ^= 1
    rows.write_bytes(content)
    for id in ("HEAD", "table3/Pengi/esc50", pair["pair_id"], "kitchen"):
        (release,) = nodes(trace(own.lake, id), "release")
        assert f"FAILS VERIFICATION: {part.rows.path}: sha256" in release["facts"]["state"]
    rows.unlink()
    (release,) = nodes(trace(own.lake, "HEAD"), "release")
    assert f"{part.rows.path}: missing" in release["facts"]["state"]
    own.lake.release(own.release.release_id).write_text("{")
    state = trace(own.lake, own.release.release_id)["facts"]["state"]
    assert "manifest cannot be read" in state


def test_a_deleted_file_is_named(own: Audited, capsys: pytest.CaptureFixture[str]) -> None:
    part = next(part for part in own.release.parts if part.dataset == "kitchen")
    (own.lake.root / part.pairs.path).unlink()
    found = trace(own.lake, "table3/Pengi/esc50")
    (kitchen,) = (node for node in nodes(found, "dataset") if node["id"] == "kitchen")
    assert f"{part.pairs.path} is missing" in kitchen["facts"]["state"]
    (release,) = nodes(found, "release")
    assert f"FAILS VERIFICATION: {part.pairs.path}: missing" in release["facts"]["state"]
    (own.lake.answers(RUN, "esc50-0")).unlink()
    with pytest.raises(LakeError, match=r"answers/esc50-0\.parquet is missing"):
        trace(own.lake, "table3/Pengi/esc50")
    write_json(own.lake.root / "lake.json", {"format": 2})
    with pytest.raises(SystemExit) as ended:
        _main("trace", "HEAD", "--lake", str(own.lake.root))
    assert ended.value.code == 2 and "format 2" in capsys.readouterr().err


def test_the_command_prints_a_tree_and_json(
    world: Audited, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--lake", str(world.lake.root))
    with pytest.raises(SystemExit):
        _main("trace", "table3/Pengi/esc50", *where)
    shown = capsys.readouterr().out
    for word in ("<- score", "<- run", "<- release", "<- pair", "<- clip", "<- archive", "sha256:"):
        assert word in shown
    with pytest.raises(SystemExit):
        _main("trace", "freesound:8", "--json", *where)
    assert json.loads(capsys.readouterr().out)["kind"] == "clip"


def _write(root: Path, stops: list[Any], stop: Any) -> None:
    """An ingestion that never ends: pairs, caches and releases come and go under new names."""
    lake, number = Lake.open(root), 0
    table = pq.read_table(lake.pairs(stops[0].dataset, stops[0].pairs))
    while not stop.is_set():
        number += 1
        write_table(lake.pairs("kitchen", f"{number % 50:016x}"), table)
        write_table(lake.rejected("kitchen", "pairs", f"{number:016x}"), table.slice(0, 0))
        splits = ("train", "test")[: 1 + number % 2]
        make_release(lake, stops, {"kitchen": splits, "garden": ("train",)}, {})


def test_a_reader_is_neither_blocked_nor_confused_by_a_writer(own: Audited) -> None:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    writer = context.Process(target=_write, args=(own.lake.root, own.stops, stop))
    pair = training_pairs(own.lake, own.release.parts).to_pylist()[0]
    writer.start()
    try:
        while len(own.lake.releases()) < 2 and writer.is_alive():
            pass
        for _ in range(15):
            assert trace(own.lake, pair["pair_id"])["facts"]["output"] == pair["output"]
            assert trace(own.lake, RUN)["facts"]["steps"] == RAN
            assert trace(own.lake, own.release.release_id)["facts"]["pairs"] == 10
        assert writer.is_alive()
    finally:
        stop.set()
        writer.join(30)
    assert writer.exitcode == 0


def _main(*arguments: str) -> None:
    import sys
    from unittest.mock import patch

    with patch.object(sys, "argv", ["pengi", *arguments]):
        cli.main()
