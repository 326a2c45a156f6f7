"""The result tables in Prefect, from a small lake whose scores are worked out by hand."""

import json
from pathlib import Path

import pytest
from prefect.artifacts import Artifact

import scored_lake as s
from flows.artifacts import show_results


@pytest.mark.slow
def test_every_table_with_a_number_of_ours_is_kept(prefect_server: None, tmp_path: Path) -> None:
    lake = s.scored_lake(tmp_path / "lake")
    keys = show_results(lake, s.RELEASE)
    numbers = (3, 8, 9, 11, 12, 13, 14, 15)
    assert keys == [*(f"table-{n}" for n in numbers), "our-benchmarks"]
    kept = Artifact.get("table-3")
    assert kept is not None and isinstance(kept.data, str)
    lines = {(line["row"], line["column"]): line for line in json.loads(kept.data)}
    assert lines["Pengi", "esc50"]["ours"] == "0.7500"
    assert lines["Pengi", "esc50"]["paper"] == "0.9195"
    assert lines["Pengi", "sesa"]["why not"] == "dataset sesa is not in this release"
    assert "Table 3" in str(kept.description)
