"""The runs of a release as OpenLineage events (spec 2-0-2, spec/OpenLineage.json): NDJSON.

Two events a run, START and COMPLETE: the release and the parents' models go in, a model comes out.
"""

from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from flows.steps.known import Known, steps_that_ran
from schemas import Part, Release, Run

_PRODUCER = "urn:pengi-reproduction"
_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACET = "https://openlineage.io/spec/facets/1-0-1/{0}DatasetFacet.json#/$defs/{0}DatasetFacet"
_STATISTICS = (
    "https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json"
    "#/$defs/OutputStatisticsOutputDatasetFacet"
)
_OWN = "urn:pengi-reproduction:{}:1"
_LAKE = "pengi-lake"
_NEVER = "1970-01-01T00:00:00+00:00"


def events(known: Known, release: Release) -> Iterator[dict[str, Any]]:
    """Events of every run on a release; no COMPLETE for one whose model is not there."""
    for run in known.runs_on(release.release_id):
        began = run.provenance.get("made") or _NEVER
        yield _event(known, release, run, "START", began, [])
        model = known.lake.run(run.run_id) / "model"
        if model.is_dir():
            yield _event(known, release, run, "COMPLETE", began, [_model(known, run)])


def _event(
    known: Known, release: Release, run: Run, kind: str, time: str, outputs: list[dict[str, Any]]
) -> dict[str, Any]:
    parts = [_pairs(part, release) for part in release.parts if part.pair_counts]
    parents = [_dataset(f"runs/{run_id}/model", run_id) for run_id in run.parents.values()]
    facts = {
        **{"run_id": run.run_id, "release_id": run.release_id, "code_sha256": run.code_sha256},
        **{"config": run.config, "steps": steps_that_ran(known.lake, run.run_id)},
        "provenance": run.provenance,
    }
    return {
        "eventType": kind,
        "eventTime": time,
        "run": {
            "runId": str(uuid5(NAMESPACE_URL, f"{_PRODUCER}:run:{run.run_id}")),
            "facets": {"pengi_run": _facet(_OWN.format("run"), facts)},
        },
        "job": {"namespace": _LAKE, "name": f"train.{run.name}", "facets": {}},
        "inputs": [*parts, *parents],
        "outputs": outputs,
        "producer": _PRODUCER,
        "schemaURL": _SCHEMA,
    }


def _pairs(part: Part, release: Release) -> dict[str, Any]:
    found = _dataset(part.pairs.path, part.pairs.sha256)
    facts = {"release_id": release.release_id, "splits": list(part.train)}
    own = {"pairs": part.pair_counts, "left_out": part.left_out, "rejected": part.rejected}
    found["facets"]["pengi_part"] = _facet(_OWN.format("part"), facts | own)
    return found


def _model(known: Known, run: Run) -> dict[str, Any]:
    files = [path for path in (known.lake.run(run.run_id) / "model").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    found = _dataset(f"runs/{run.run_id}/model", run.run_id)
    statistics = _facet(_STATISTICS, {"size": size, "fileCount": len(files)})
    return found | {"outputFacets": {"outputStatistics": statistics}}


def _dataset(name: str, version: str) -> dict[str, Any]:
    facet = _facet(_FACET.format("DatasetVersion"), {"datasetVersion": version})
    return {"namespace": _LAKE, "name": name, "facets": {"version": facet}}


def _facet(schema: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {"_producer": _PRODUCER, "_schemaURL": schema, **facts}
