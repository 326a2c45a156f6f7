"""What Prefect shows of a run: a bar per subject, filled as it goes, and tables."""

import json
import uuid
from typing import Any

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client

from flows import shown

pytestmark = pytest.mark.slow


def artifacts() -> dict[str, Any]:
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/latest/filter", json={}).json()
    return {artifact["key"]: artifact for artifact in found}


def test_a_training_is_a_bar_in_prefect(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(uuid.uuid4()))  # as under a worker
    monkeypatch.setattr(shown, "_EVERY", 0.0)

    @task
    def train() -> None:
        progress = shown.progress(artifact=True)
        for step in (5, 10, 15):
            progress(f"train bar_run: loss {1 / step:.3f}, step", step, 20)

    @flow
    def once() -> None:
        train()
        shown.table("some-runs", [{"run": "bar_run", "state": "made"}], "Runs")

    once()
    found = artifacts()
    bar = found["train-bar-run"]
    assert (bar["type"], float(bar["data"])) == ("progress", 75.0)
    assert bar["description"] == "train bar_run: loss 0.067, step"
    assert json.loads(found["some-runs"]["data"]) == [{"run": "bar_run", "state": "made"}]
