"""Stop 4 of a run: the ingested datasets become a release, filtered where that is asked for."""

import json
from contextlib import nullcontext

from flows import mini
from flows.ingest import ingest
from flows.params import Params
from flows.plan import Choice, skipped
from flows.provenance import provenance
from flows.steps.allowed import only_allowed
from flows.steps.lake import Lake
from flows.steps.leakage import strict
from flows.steps.progress import Progress, silent
from flows.steps.release import Ingested, make_release
from flows.steps.tombstones import honoured
from schemas import Release


def release(
    lake: Lake,
    ingested: list[Ingested],
    choices: list[Choice],
    params: Params,
    progress: Progress = silent,
) -> Release:
    """The release of the choices' training splits; what the plan left out stands in it."""
    train = {choice.file.dataset.name: choice.train for choice in choices}
    ingested = [honoured(lake, stop) for stop in ingested]
    if params.licence_allow:
        ingested = [only_allowed(lake, stop, params.licence_allow) for stop in ingested]
    if params.leakage == "strict":
        benchmarks = [benchmark for choice in choices for benchmark in choice.benchmarks]
        ingested = strict(lake, ingested, train, benchmarks)
    made = provenance(params.profile) | {"skipped": json.dumps(skipped(params), sort_keys=True)}
    return make_release(
        lake, ingested, train, made, progress, params.leakage, tuple(params.licence_allow)
    )


def ingest_and_release(
    lake: Lake, choices: list[Choice], params: Params, progress: Progress = silent
) -> Release:
    """Stops 1 to 4 one dataset after the other; what is finished is found, not done again."""
    server = mini.serve(lake.world()) if params.has_world else nullcontext(None)
    with server as world:
        ingested = [
            ingest(lake, choice.file, params.raw.get(choice.file.dataset.name), world, progress)
            for choice in choices
        ]
    return release(lake, ingested, choices, params, progress)
