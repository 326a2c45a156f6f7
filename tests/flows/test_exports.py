"""Descriptions of a release, read by the programs they are for."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from audited import RUN, Audited, audited
from flows import datasets
from flows.steps.exports import KINDS, UnknownExport, attribution, export, page
from flows.steps.lake import write_json
from schemas.licences import LicenceError, alternatives

# reads what is on its standard input as OpenLineage's own Python client would write it
_EVENTS = """
import json, sys
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
for line in sys.stdin:
    event = json.loads(line)
    made = RunEvent(
        eventType=RunState[event["eventType"]],
        eventTime=event["eventTime"],
        run=Run(runId=event["run"]["runId"], facets=event["run"]["facets"]),
        job=Job(**event["job"]),
        inputs=[InputDataset(**found) for found in event["inputs"]],
        outputs=[OutputDataset(**found) for found in event["outputs"]],
        producer=event["producer"],
    )
    print(made.eventType.value, made.run.runId, len(made.inputs), len(made.outputs))
"""
_EXPRESSIONS = """
import json, sys
from license_expression import get_spdx_licensing
spdx = get_spdx_licensing()
for text in json.load(sys.stdin):
    print(json.dumps([text, spdx.validate(text).errors]))
"""
_RECORDS = """
import itertools, json, sys
import mlcroissant as mlc
dataset = mlc.Dataset(sys.argv[1])
for name in ("kitchen", "garden"):
    for record in dataset.records(name):
        print(json.dumps({key: str(value) for key, value in record.items()}))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return audited(tmp_path_factory.mktemp("audited"))


def python(referees: Path, code: str, *arguments: str, given: str = "") -> list[str]:
    command = [referees / "python", "-c", code, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


@pytest.mark.slow
def test_croissant_is_valid_and_its_records_are_the_pairs(world: Audited, referees: Path) -> None:
    described = json.loads(export(world.lake, "croissant"))
    path = write_json(world.lake.root / "croissant.json", described)
    checked = [referees / "mlcroissant", "validate", "--jsonld", path]
    done = subprocess.run(checked, capture_output=True, text=True)
    assert done.returncode == 0 and "Done." in done.stderr, done.stderr
    assert "WARNING" not in done.stderr and "error" not in done.stderr.lower(), done.stderr
    lines = [json.loads(line) for line in python(referees, _RECORDS, str(path))]
    texts = {value for line in lines for key, value in line.items() if key.endswith("/output")}
    assert {"a kettle boils", "b'a kettle boils'"} & texts and len(lines) == 12


def test_openlineage_is_what_its_client_reads(world: Audited, referees: Path) -> None:
    text = export(world.lake, "openlineage")
    lines = [line.split() for line in python(referees, _EVENTS, given=text)]
    assert [line[0] for line in lines] == ["START", "COMPLETE"]
    assert lines[0][1] == lines[1][1]
    assert [line[2:] for line in lines] == [["2", "0"], ["2", "1"]]
    for facet in _facets(json.loads(line) for line in text.splitlines()):
        assert {"_producer", "_schemaURL"} <= set(facet)
    assert RUN in text


def _facets(events: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for event in events:
        yield from event["run"]["facets"].values()
        for found in (*event["inputs"], *event["outputs"]):
            yield from found["facets"].values()
            yield from found.get("outputFacets", {}).values()


def test_every_licence_that_a_dataset_states_is_an_spdx_expression(referees: Path) -> None:
    """LicenseRef-… is free text to SPDX; its own list knows the others."""
    stated = {datasets.load(name).dataset.licence for name in datasets.names()}
    known = sorted(text for text in stated if not text.startswith("LicenseRef-"))
    odd = ["MIT AND (CC0-1.0 OR Apache-2.0)", "GPL-2.0-only WITH Classpath-exception-2.0"]
    lines = python(referees, _EXPRESSIONS, given=json.dumps([*known, *odd]))
    assert [json.loads(line) for line in lines] == [[text, []] for text in [*known, *odd]]
    assert all(alternatives(text) for text in [*stated, *odd])
    for text in ("", "MIT AND", "(MIT", "MIT)", "OR MIT", "all rights reserved", "MIT, GPL"):
        with pytest.raises(LicenceError):
            alternatives(text)


def test_attribution_names_title_author_licence_and_source(world: Audited) -> None:
    head, *lines = attribution(world.lake, world.release).splitlines()
    assert "5 clips" in head and len(lines) == 5
    assert "tap.wav; Bob; CC0-1.0; https://freesound.org/s/8/" in lines
    assert page("youtube:abc") == "https://www.youtube.com/watch?v=abc"
    assert page("elsewhere:1") is None


def test_the_datasheet_says_what_is_in_it(world: Audited) -> None:
    text = export(world.lake, "datasheet")
    for section in ("Composition", "Licences", "Collection", "left out", "Leaks", "Takedowns"):
        assert f"## {section}" in text or f"{section}\n" in text
    assert "| kitchen | train | audio_captioning (version 1) | CC0-1.0 | 1 | 1 |" in text
    assert f"| pengi | {RUN} |" in text


def test_an_unknown_description_is_refused(world: Audited) -> None:
    with pytest.raises(UnknownExport, match=", ".join(KINDS)):
        export(world.lake, "prov")
