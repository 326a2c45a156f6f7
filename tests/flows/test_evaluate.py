"""Evaluation of runs on a small lake: what is written, and what is done with bad input."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from answering_world import LABELS, World, benchmark, small_world
from flows.evaluate import evaluate
from flows.hearing import EvaluationError
from flows.steps.lake import sha256_text, write_table
from pengi_model import Clap, Generation, Pengi
from pengi_model.waves import Waves
from schemas import Benchmark

TONES = benchmark()
CAPTIONS = benchmark(
    name="captions",
    scoring="caption",
    truth="caption",
    metric="SPIDEr",
    prompts=("generate audio caption",),
    labels={},
)
ONE_CLASS = benchmark(  # its name is that of a probed benchmark; all questions say yes
    name="beijing_opera", truth="answer", labels={"yes": "yes", "no": "no"}
)


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world where pengi answered three benchmarks."""
    world = small_world(tmp_path_factory.mktemp("evaluate") / "lake")
    evaluate(world.lake, world.release, world.runs["pengi"], [TONES, CAPTIONS, ONE_CLASS])
    return world


@pytest.fixture
def copy(answered: World, tmp_path: Path) -> World:
    """A copy of it to spoil."""
    shutil.copytree(answered.lake.root, tmp_path / "lake")
    return answered._replace(lake=type(answered.lake)(tmp_path / "lake"))


def told(world: World, run: str, name: str, kind: str = "answers") -> list[dict[str, Any]]:
    (path,) = (world.lake.run(f"{run}-1") / kind).glob(f"{name}-*.parquet")
    return pq.read_table(path).to_pylist()


def files(world: World, run: str) -> dict[str, int]:
    found = world.lake.run(f"{run}-1").rglob("*.parquet")
    return {str(path.relative_to(world.lake.root)): path.stat().st_mtime_ns for path in found}


def test_an_answer_says_how_it_came_about(answered: World) -> None:
    answers = told(answered, "pengi", "tones")
    protocols = {line["protocol"] for line in answers}
    assert protocols == {"generate", "likelihood", "likelihood_sum", "likelihood_pmi"}
    generated = [line for line in answers if line["protocol"] == "generate"]
    assert {line["prompt"] for line in generated} == set(TONES.prompts)
    for line in answers:
        assert line["release_id"] == answered.release.release_id
        assert line["window"] == "centre 2 s, shorter sounds repeated"
        assert line["labels_sha256"] == sha256_text(*LABELS, *LABELS.values())
        assert line["protocol_version"] == 1
        assert (line["candidates"] is None) == (line["protocol"] == "generate")
    assert {line["decoding"] for line in generated} == {"beam 5, at most 30 tokens"}


def test_a_benchmark_with_a_missing_clip_counts_what_was_used(answered: World) -> None:
    scores = told(answered, "pengi", "tones", "scores")
    headline = next(line for line in scores if line["headline"] and line["protocol"] == "generate")
    assert (headline["n"], headline["n_official"]) == (12, 20)
    assert headline["value"] * 12 == pytest.approx(headline["hits"])


def test_a_benchmark_of_one_class_is_scored_beside_chance_and_not_probed(answered: World) -> None:
    scores = told(answered, "pengi", "beijing_opera", "scores")
    (probe,) = [line for line in scores if line["protocol"] == "probe"]
    assert probe["value"] is None
    assert "clips of two labels to train on" in probe["reason"]
    assert "found 1 label(s)" in probe["reason"]
    headline = next(line for line in scores if line["headline"] and line["protocol"] == "generate")
    assert (headline["chance"], headline["n"]) == (1.0, 12)


def test_what_is_there_is_not_redone_and_needs_no_model(
    copy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(copy, "pengi")
    run = copy.runs["pengi"]
    evaluate(copy.lake, copy.release, run, [TONES, CAPTIONS])
    assert files(copy, "pengi") == before
    (path,) = (copy.lake.run(run.run_id) / "scores").glob("tones-*.parquet")
    scores = path.read_bytes()
    path.unlink()
    monkeypatch.setattr(Pengi, "from_pretrained", None)
    evaluate(copy.lake, copy.release, run, [TONES])
    assert path.read_bytes() == scores


def test_a_kill_costs_one_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world(tmp_path / "lake")
    run = world.runs["frozen_pengi"]

    def killed() -> Iterator[Benchmark]:
        yield TONES
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(world.lake, world.release, run, killed())
    before = files(world, "frozen_pengi")
    assert sorted(path.split("/")[2] for path in before) == ["answers", "scores", "texts"]
    evaluate(world.lake, world.release, run, [TONES, CAPTIONS])
    after = files(world, "frozen_pengi")
    assert len(after) == 6
    assert {path: after[path] for path in before} == before


def test_each_run_answers_what_its_table_shows(answered: World) -> None:
    for run, names in (
        ("frozen_pengi", {"tones", "captions"}),
        ("single_task_caption", {"captions"}),
        ("no_text_encoder", {"tones", "captions"}),
        ("clap", {"tones"}),
    ):
        paths = evaluate(answered.lake, answered.release, answered.runs[run], [TONES, CAPTIONS])
        assert {path.name.rpartition("-")[0] for path in paths} == names, run
        for path in paths:
            prompts = set(pq.read_table(path)["prompt"].to_pylist())
            assert len(prompts) == 1, run  # the headline's


def test_vectors_that_are_no_numbers_are_a_reason_and_no_score(answered: World) -> None:
    evaluate(answered.lake, answered.release, answered.runs["diverged"], [TONES])
    scores = told(answered, "diverged", "tones", "scores")
    assert {line["protocol"] for line in scores} == {"generate", "likelihood"}
    for line in scores:
        assert line["value"] is None
        assert line["n"] is None
        assert "is not finite. The training diverged" in line["reason"]
        assert (line["benchmark"], line["metric"], line["headline"]) == ("tones", "accuracy", True)
    assert told(answered, "diverged", "tones") == []
    assert not answered.lake.examples("diverged-1").exists()
    before = files(answered, "diverged")
    evaluate(answered.lake, answered.release, answered.runs["diverged"], [TONES])
    assert files(answered, "diverged") != before  # a failure is tried again


def test_an_answer_that_is_no_number_is_a_reason(
    copy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = benchmark(name="cut")
    monkeypatch.setattr(
        Pengi,
        "generate_after",
        lambda self, prefix, *_, **__: [Generation("x", torch.nan)] * len(prefix),
    )
    evaluate(copy.lake, copy.release, copy.runs["pengi"], [cut])
    scores = told(copy, "pengi", "cut", "scores")
    (generated,) = [line for line in scores if line["protocol"] == "generate"]
    assert generated["value"] is None
    assert "has the score nan" in generated["reason"]
    assert any(line["value"] is not None for line in scores if line["protocol"] == "likelihood")


def test_an_empty_answer_is_marked_and_wrong(
    answered: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = benchmark(name="said", splits=("fold1",), truth="answer", labels={"yes": "yes"})
    texts = iter(["yes", " .", "yes", "yes"])
    monkeypatch.setattr(
        Pengi,
        "generate_after",
        lambda self, prefix, **_: [Generation(next(texts), -1.0) for _ in prefix],
    )
    evaluate(answered.lake, answered.release, answered.runs["no_text_encoder"], [said])
    answers = told(answered, "no_text_encoder", "said")
    assert [a["empty"] for a in answers if a["protocol"] == "generate"] == [
        *(False, True, False, False)
    ]
    scores = {
        line["metric"]: line
        for line in told(answered, "no_text_encoder", "said", "scores")
        if line["protocol"] == "generate"
    }
    assert (scores["accuracy"]["hits"], scores["accuracy"]["n"]) == (3, 4)
    assert scores["empty"]["value"] == 0.25


def test_a_benchmark_without_a_clip_has_a_reason(answered: World) -> None:
    nowhere = benchmark(name="nowhere", splits=("elsewhere",))
    for run in ("clap", "frozen_pengi"):
        evaluate(answered.lake, answered.release, answered.runs[run], [nowhere])
        for line in told(answered, run, "nowhere", "scores"):
            assert line["value"] is None
            assert "none of the rows in splits elsewhere has a clip" in line["reason"]


def test_another_release_is_refused(copy: World) -> None:
    other = copy.release.model_copy(update={"release_id": "other"})
    with pytest.raises(EvaluationError, match=r"was trained on release .* of release other"):
        evaluate(copy.lake, other, copy.runs["pengi"], [TONES])
    (path,) = (copy.lake.run("pengi-1") / "answers").glob("tones-*.parquet")
    table = pq.read_table(path)
    foreign = pa.array(["other"] * table.num_rows)
    write_table(path, table.set_column(table.schema.get_field_index("release_id"),
                                       "release_id", foreign))  # fmt: skip
    (scores,) = (copy.lake.run("pengi-1") / "scores").glob("tones-*.parquet")
    scores.unlink()
    with pytest.raises(EvaluationError, match=r"found .*'other'.* Delete the file"):
        evaluate(copy.lake, copy.release, copy.runs["pengi"], [TONES])


def test_examples_of_the_papers_tables_and_figures(copy: World) -> None:
    esc50 = benchmark(name="esc50")
    run = copy.runs["pengi"]
    evaluate(copy.lake, copy.release, run, [TONES, esc50])  # one benchmark more: written again
    lines = pq.read_table(copy.lake.examples(run.run_id)).to_pylist()
    places = [line["place"] for line in lines]
    assert [places.count(place) for place in ("table1", "figure4", "table2", "table10")] == [
        *(1, 1, 2, 3)  # the release has one template; the tones have three labels
    ]
    details = {line["place"]: json.loads(line["details"]) for line in lines}
    assert details["table1"]["trained"] is False
    assert details["table1"]["output"] in LABELS.values()
    assert details["table2"] | {"benchmark": "esc50", "clips": 12} == details["table2"]
    assert len(details["table10"]["tokens"]) == 8
    model = Pengi.from_pretrained(copy.lake.run(run.run_id) / "model")
    waves = Waves([copy.lake.waves("tones", "a")])
    for line in lines:
        if line["clip_id"]:
            wave = waves.window(line["clip_id"], model.config.samples)
            added = [line["additional_text"]] if line["additional_text"] else None
            (said,) = model.generate(torch.from_numpy(wave)[None], line["prompt"], added)
            assert said.text == line["answer"], line["place"]
    added = [line["additional_text"] for line in lines if line["place"] == "figure5"]
    assert added == ["", "in the background"]
    assert not copy.lake.examples("frozen_pengi-1").exists()


def test_a_contrastive_model_is_no_generative_one(answered: World) -> None:
    assert isinstance(Clap.from_pretrained(answered.lake.run("clap-1") / "model"), Clap)
    answers = told(answered, "clap", "tones")
    assert {line["protocol"] for line in answers} == {"cosine"}
    assert {line["decoding"] for line in answers} == {None}
