"""The result tables and the report of a small lake whose scores are worked out by hand."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

import scored_lake as s
from flows.steps.lake import Lake, LakeError
from flows.steps.results import as_csv, as_markdown, as_text, published, results

ASKED = ("table", "row", "column", "metric", "paper", "ours", "ci_low", "ci_high", "n")
ASKED += ("n_official", "run_id", "reason")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return s.scored_lake(tmp_path_factory.mktemp("scored") / "lake")


@pytest.fixture(scope="module")
def cells(scored: Lake) -> dict:
    return {(c["table"], c["row"], c["column"]): c for c in results(scored)}


@pytest.mark.parametrize(
    ("key", "paper", "ours", "run_id"),
    [
        (("table3", "Pengi", "esc50"), 0.9195, 0.75, "pengi-1"),
        (("table3", "CLAP", "esc50"), 0.826, 1.0, "clap-1"),
        (("table8", "Pengi", "esc50"), 0.92, 0.75, "pengi-1"),
        (("table11", "esc50", "generate_metadata"), 0.9195, 0.75, "pengi-1"),
        (("table11", "esc50", "this_is_a_sound_of"), 0.691, 0.25, "pengi-1"),
        (("table12", "CLAP", "esc50"), None, 1.0, "clap-1"),
        (("ours", "Pengi", "esc10"), None, 0.5, "pengi-1"),
    ],
)
def test_a_cell_holds_the_papers_number_and_ours(cells, key, paper, ours, run_id) -> None:
    cell = cells[key]
    assert tuple(cell)[: len(ASKED)] == ASKED
    assert (cell["paper"], cell["ours"], cell["run_id"]) == (paper, ours, run_id)
    assert cell["ci_low"] <= ours <= cell["ci_high"]
    assert (cell["n"], cell["n_official"], cell["reason"]) == (4, 2000, None)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (("table3", "CLAP", "clotho_cap"), "this model cannot do the task"),
        (("table3", "Pengi", "clotho_cap"), "dataset clotho_v2 is not in this release"),
        (("table6", "Pengi", "r_at_1"), "dataset clotho_v2 is not in this release"),
        (("table7", "Clotho: Pengi", "spice"), "dataset clotho_v2 is not in this release"),
        (("table11", "esc50", "generate_audio_caption"), "not asked with this prompt"),
        (("table13", "Frozen Pengi", "esc50"), "run frozen_pengi was not made on this release"),
    ],
)
def test_a_cell_without_our_number_says_why(cells, key, reason: str) -> None:
    assert (cells[key]["ours"], cells[key]["reason"]) == (None, reason)


def test_every_number_of_our_rows_stands_in_the_results(cells) -> None:
    models = (
        "Pengi",
        "CLAP",
        "CLAP*",
        "Frozen Pengi",
        "Exp B",
        "Clotho: Pengi",
        "AudioCaps: Pengi",
    )
    expected = {
        (c["table"], c["row"], c["column"])
        for c in published().to_pylist()
        if c["value"] is not None and (c["row"] in models or c["table"] == "table11")
        if c["table"] != "claims"
    }
    assert expected <= set(cells)
    assert all((c["ours"] is None) == (c["reason"] is not None) for c in cells.values())


def test_text_csv_and_markdown_say_the_same(scored: Lake) -> None:
    found = results(scored)
    text = as_text(found)
    assert re.search(
        r"Pengi +esc50 +accuracy +0\.9195 +0\.7500 +\S+ \.\. \S+ +0\.5000 +4 of 2000", text
    )
    assert "run frozen_pengi was not made on this release: audiocaps_cap, clotho_cap" in text
    assert f"of {len(found)} cells" in text
    lines = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [line["ours"] for line in lines] == [
        "" if c["ours"] is None else str(c["ours"]) for c in found
    ]
    markdown = as_markdown(found)
    assert markdown.count("\n| ") == len(found) + 2 * markdown.count("### ")
    assert json.loads(json.dumps(found)) == found


def test_a_lake_without_a_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="HEAD"):
        results(Lake.create(tmp_path / "lake"))
