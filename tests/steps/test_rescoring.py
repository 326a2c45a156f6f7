"""`pengi evaluate --rescore`: scores out of stored answers, where there is no model at all."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import reported_lake as r
import scored_lake as s
from flows.cli import app
from flows.steps.lake import write_json, write_table


@pytest.mark.slow
def test_scores_are_made_again_without_a_model(tmp_path: Path) -> None:
    lake = r.reported_lake(tmp_path / "lake")
    made = s.run().model_copy(update={"config": {"stage": "pengi"}})
    write_json(lake.run(made.run_id) / "run.json", made.model_dump())
    rows = pq.read_table(lake.rows("esc50", "r"))
    held_out = pa.array(["fold2"] * len(rows))  # the release trains on fold1
    place = rows.schema.get_field_index("split")
    write_table(lake.rows("esc50", "r"), rows.set_column(place, "split", held_out))
    paths = sorted((lake.run(made.run_id) / "scores").glob("esc50-*.parquet"))
    for path in paths:
        path.unlink()
    assert not (lake.run(made.run_id) / "model").exists()
    command = ["evaluate", "pengi", "--rescore", "--benchmarks", "esc50", "--test", "esc50:fold2"]
    done = CliRunner().invoke(app, [*command, "--lake", str(lake.root), "--json"])
    assert done.exit_code == 0, done.exception
    written = [lake.root / path for path in json.loads(done.stdout)["scores"]]
    assert written == paths
    found = {
        (line["prompt"], line["metric"]): line
        for path in written
        for line in pq.read_table(path).to_pylist()
    }
    assert found[r.HEARD, "accuracy"]["value"] == 0.75
    assert found[r.HEARD, "exact"]["hits"] == 3
    assert found["this is a sound of", "empty"]["value"] == 0.25
