"""Every dataset file is complete, and its reader reads its small copy."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.licenses import canonicalize_license_expression

from flows import datasets
from schemas import TEMPLATES, Benchmark
from small_copy import SmallCopy

ROOT = Path(__file__).parents[2]
NAMES = datasets.names()
BENCHMARKS = [benchmark for name in NAMES for benchmark in datasets.load(name).benchmarks]
FAMILIES = {"freesound", "youtube", "soundbible", "bbc", "tau2019"}  # where sounds come from
PARTLY = {"cmu_mosei"}  # a row may lack the fact of one of its templates
OURS = {"esc10"}  # benchmarks that are no column of the paper

every_dataset = pytest.mark.parametrize("name", NAMES)
every_benchmark = pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.name)


@every_dataset
def test_facts_are_complete(name: str) -> None:
    dataset = datasets.load(name).dataset
    assert dataset.name == name
    assert canonicalize_license_expression(dataset.licence) == dataset.licence
    assert dataset.homepage.startswith("https://")
    assert dataset.title and dataset.citation and dataset.archives
    assert all(archive.url or dataset.access.how for archive in dataset.archives)
    assert set(dataset.train) <= set(dataset.splits)
    assert set(dataset.expected_clips) <= set(dataset.splits)
    assert set(dataset.templates) <= set(TEMPLATES)
    assert dataset.templates or not dataset.train
    assert set(dataset.expected_rows) <= set(dataset.splits)
    for choice in dataset.choices:
        assert choice.why and choice.value not in choice.others
        assert set(choice.adds) <= {choice.value, *choice.others}
        assert {name for names in choice.adds.values() for name in names} <= set(TEMPLATES)


@every_dataset
def test_checksums_are_those_of_the_fact_sheets(name: str, shared_facts: Path) -> None:
    facts = "".join(path.read_text() for path in sorted(shared_facts.glob("datasets_*.yaml")))
    for archive in datasets.load(name).dataset.archives:
        if archive.checksum:
            assert archive.checksum.partition(":")[2] in facts


@every_dataset
def test_the_small_copy_has_the_clips_it_says(name: str, mini: Callable[[str], SmallCopy]) -> None:
    copy, rows = mini(name).dataset, mini(name).rows
    clips = {row.clip: row.split for row in rows}
    counts = {split: list(clips.values()).count(split) for split in copy.expected_clips}
    assert counts == copy.expected_clips
    assert len({row.row_id for row in rows}) == len(rows)
    assert {row.split for row in rows} <= set(copy.splits)


@every_dataset
def test_rows_have_what_the_templates_need(name: str, mini: Callable[[str], SmallCopy]) -> None:
    templates = mini(name).dataset.templates
    for row in mini(name).rows:
        served = [
            all(getattr(row, fact) is not None for fact in TEMPLATES[template].needs)
            for template in templates
        ]
        assert any(served) if name in PARTLY else all(served)


@every_dataset
def test_clips_say_where_they_are_from(name: str, mini: Callable[[str], SmallCopy]) -> None:
    rows = mini(name).rows
    for licence in {row.licence for row in rows if row.licence}:
        assert canonicalize_license_expression(licence) == licence
    for origin in {origin for row in rows for origin in row.origin_ids}:
        collection, _, number = origin.partition(":")
        assert collection in FAMILIES and number


@every_benchmark
def test_benchmarks_belong_to_their_dataset(benchmark: Benchmark) -> None:
    dataset = datasets.load(benchmark.dataset).dataset
    inputs = {template.input for template in TEMPLATES.values()}
    assert set(benchmark.splits) <= set(dataset.splits)
    assert not set(benchmark.splits) & set(dataset.train)
    assert set(benchmark.prompts) <= inputs and benchmark.prompts
    assert bool(benchmark.labels) == (benchmark.scoring in {"match", "multilabel", "field"})
    assert all(text == text.lower() for text in benchmark.labels.values())


@every_benchmark
def test_benchmarks_are_columns_of_the_paper(benchmark: Benchmark) -> None:
    with (ROOT / "sql" / "published.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    columns = {line["column"] for line in lines}
    columns |= {line["row"] for line in lines if line["table"] == "table11"}  # columns are prompts
    assert benchmark.name in columns | OURS


@every_benchmark
def test_labels_cover_the_truths(benchmark: Benchmark, mini: Callable[[str], SmallCopy]) -> None:
    asked = [row for row in mini(benchmark.dataset).rows if row.split in benchmark.splits]
    assert len(asked) >= 30
    for row in asked:
        truth = getattr(row, benchmark.truth)
        assert truth is not None
        if benchmark.labels:
            given = truth if isinstance(truth, tuple) else (str(truth),)
            assert set(given) <= set(benchmark.labels)
