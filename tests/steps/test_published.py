"""`sql/published.csv` against the table of facts it was made from, and against the paper's text."""

import math
import re
from typing import Any

import pytest
import yaml

from flows.steps.results import published

PAPER = {(r["table"], r["row"], r["column"]): r for r in published().to_pylist()}
METRICS = {"bleu_1": "BLEU-1", "cider": "CIDEr-D", "r_at_1": "R@1", "spider": "SPIDEr"}


@pytest.mark.parametrize(
    ("cell", "metric", "value"),
    [
        (("table3", "Pengi", "esc50"), "accuracy", 0.9195),
        (("table3", "CLAP", "sesa"), "accuracy", 0.7487),
        (("table3", "Pengi", "fsd50k"), "mAP", 0.4676),
        (("table4", "A_clotho", "bleu_1"), "BLEU-1", 0.5619),
        (("table5", "Pengi", "clothoaqa"), "accuracy", 0.645),
        (("table6", "Pengi", "r_at_10"), "R@10", 36.7),
        (("table7", "Clotho: Pengi", "cider"), "CIDEr-D", 0.416),
        (("table8", "LAION", "us8k"), "accuracy", 0.77),
        (("table9", "Pengi (L3)", "fsd50k"), "mAP", 0.6235),
        (("table11", "nsynth_velocity", "this_music_note_is"), "accuracy", 0.3728),
        (("table13", "Frozen Pengi", "clothoaqa"), "accuracy", 0.5395),
        (("table14", "Exp B", "nsynth_instrument"), "accuracy", 0.55),
        (("table15", "CLAP*", "gtzan_genres"), "accuracy", 0.479),
        (("table2", "nsynth_pitch", "files"), "count", 305_000),
        (("hyper_parameters", "audio", "hop"), "setting", 320),
        (("claims", "best earlier model", "clotho_cap"), "relative gain", 26),
    ],
)
def test_literals_of_the_paper(cell, metric: str, value: float) -> None:
    assert (PAPER[cell]["metric"], PAPER[cell]["value"]) == (metric, value)


def test_a_cell_has_a_number_exactly_when_it_is_reported() -> None:
    assert {cell["status"] for cell in PAPER.values()} == {
        "reported",
        "unsupported",
        "not_reported",
    }
    for cell in PAPER.values():
        assert (cell["status"] == "reported") == (cell["value"] is not None), cell
    assert len(PAPER) == published().num_rows


@pytest.fixture(scope="session")
def facts(shared_facts) -> dict[str, Any]:
    return yaml.safe_load((shared_facts / "paper_tables.yaml").read_text())


def test_every_cell_of_the_facts_tables_is_there(facts) -> None:
    expected: dict[tuple[str, str, str], Any] = {}
    for table, content in facts["tables"].items():
        if table in ("table10", "table12"):  # texts; a body that was lost
            continue
        for row, cells in content["rows"].items():
            if table == "table7":
                for name, values in cells.items():
                    expected |= {(table, f"{row}: {name}", c): v for c, v in values.items()}
            elif table == "table5":
                expected[table, row, "clothoaqa"] = cells
            else:
                expected |= {(table, row, c): v for c, v in cells.items() if c != "eval_dataset"}
    mine = {key for key in PAPER if key[0] in {table for table, _, _ in expected}}
    assert mine - set(expected) == {key for key in mine if "(text)" in key[1]}
    for key, value in expected.items():
        cell = PAPER[key]
        assert (cell["value"] if cell["status"] == "reported" else cell["status"]) == value, key


def test_metrics_and_units_are_those_of_the_facts(facts) -> None:
    for (table, row, column), cell in PAPER.items():
        if column in METRICS:
            assert cell["metric"] == METRICS[column]
        name = row if table == "table11" else column
        if table.startswith("table") and table != "table2" and name in facts["columns"]:
            assert cell["metric"] == facts["columns"][name]["metric"], (table, row, column)
        if table == "table6":
            assert cell["unit"] == "percent"


def numbers(content: Any) -> set[float]:
    """Every number in the values of a mapping, also those inside texts."""
    if isinstance(content, dict):
        return set().union(*(numbers(v) for k, v in content.items() if k not in ("note", "source")))
    if isinstance(content, list):
        return set().union(*map(numbers, content))
    return {float(found) for found in re.findall(r"\d+(?:\.\d+)?(?:e\d)?", str(content))}


def test_settings_and_claims_are_there(facts) -> None:
    settings = {k: v for k, v in facts["hyper_parameters"].items() if k != "derived"}
    mine = {cell["value"] for key, cell in PAPER.items() if key[0] == "hyper_parameters"}
    mine |= {round(value / 1e6, 3) for value in mine if value and value >= 1e6}
    names = {16.0, 2.0, 100.0}  # clip-vit-base-patch16, GPT2-base, V100
    formula = {4.0, 5.0, 0.0, 1.0}  # equation numbers of the loss
    assert numbers(settings) - mine - names - formula == set()
    claimed = numbers([claim["value"] for claim in facts["other_claims"]])
    assert claimed <= {cell["value"] for key, cell in PAPER.items() if key[0] == "claims"}


def test_table_2_is_the_facts_table_2(facts) -> None:
    for line in facts["table2_tasks"]:
        cells = {
            key[2]: c["value"] for key, c in PAPER.items() if key[:2] == ("table2", line["column"])
        }
        size = str(line["files"])
        expected = float(size.removesuffix("k")) * (1000 if size.endswith("k") else 1)
        assert cells["files"] == expected
        durations = {value for name, value in cells.items() if name.startswith("duration")}
        assert durations == numbers(line["duration_s"].replace("-", " "))
        classes = numbers(line["output_type"])
        assert {cells["classes"]} == classes if classes else "classes" not in cells
        folds = numbers(line["setup"])
        assert {cells["folds"]} == folds if folds else "folds" not in cells


@pytest.mark.parametrize(
    ("benchmark", "clips", "misprints"),
    [
        ("sesa", 585, set()),
        ("gtzan_genres", 1000, {0.3525}),
        ("gtzan_music_speech", 128, {0.944, 0.9606}),
        ("beijing_opera", 236, {0.2963, 0.4814}),
        ("tut2017", 1620, {0.3449}),
        ("esc50", 2000, {0.8916}),
    ],
)
def test_an_accuracy_is_a_whole_number_of_clips(benchmark: str, clips: int, misprints) -> None:
    """The evaluation facts' section 2.1: which printed values are no k/n."""
    tables = ("table3", "table11", "table13", "table14", "table15")
    printed = {
        cell["value"]
        for (table, row, column), cell in PAPER.items()
        if table in tables and benchmark in (row, column) and cell["value"] is not None
    }
    odd = {v for v in printed if round(math.floor(v * clips + 0.5) / clips, 4) != v}
    assert odd == misprints
