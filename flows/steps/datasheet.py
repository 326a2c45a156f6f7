"""A datasheet of a release in Markdown, after Gebru et al., "Datasheets for Datasets" (2021)."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow.parquet as pq

from flows import datasets
from flows.steps import leakage
from flows.steps.known import Known, Line
from flows.steps.release import ingested
from flows.steps.tally import licences, tally
from flows.steps.tombstones import tombstones
from flows.steps.tree import plain
from schemas import Part, Release


def datasheet(known: Known, release: Release) -> str:
    """Composition, licences, collection, what was rejected, leaks, uses and takedowns."""
    sections = (_motivation, _composition, _licences, _collection, _rejected, _leaks, _uses)
    lines = [f"# Datasheet of release {release.release_id}"]
    for section in (*sections, _maintenance):
        lines += ["", *section(known, release)]
    return "\n".join(lines) + "\n"


def _motivation(known: Known, release: Release) -> Iterator[str]:
    yield "## Motivation"
    yield "Pairs of (audio, input text, output text) to train the model of *Pengi: An Audio"
    yield "Language Model for Audio Tasks* (Deshmukh et al., NeurIPS 2023), made from public data."


def _composition(known: Known, release: Release) -> Iterator[str]:
    yield "## Composition"
    clips = sum(part.clips_in_release for part in release.parts)
    hours = sum(part.seconds_in_release for part in release.parts) / 3600
    yield f"{release.pairs} pairs of {clips} clips, {hours:.2f} hours; pair ids hash to"
    yield f"`{release.pairs_sha256}`."
    yield ""
    yield from _table(
        ("dataset", "splits", "template", "licence", "pairs", "clips"), _parts(known, release)
    )


def _parts(known: Known, release: Release) -> Iterator[Sequence[object]]:
    for part in release.parts:
        for line in tally(known.lake, part):
            template = f"{line['template']} (version {line['template_version']})"
            licence = line["licence"] or "not stated"
            splits = ", ".join(part.train)
            yield part.dataset, splits, template, licence, line["pairs"], line["clips"]


def _licences(known: Known, release: Release) -> Iterator[str]:
    yield "## Licences"
    allowed = ", ".join(release.licences)
    yield f"Only {allowed} were let in." if allowed else "No licence was filtered out."
    yield "Every clip has its own; `pengi export attribution` names author and source of each."
    yield ""
    yield from _table(("licence", "pairs"), licences(known.lake, release).items())


def _collection(known: Known, release: Release) -> Iterator[str]:
    yield "## Collection"
    yield "Archives as they were fetched:"
    yield ""
    head = ("dataset", "archive", "bytes", "sha256", "checksum compared", "retrieved", "from")
    yield from _table(head, _archives(known, release))
    for part in _trained(release):
        if part.dataset in datasets.names():
            facts = datasets.load(part.dataset).dataset
            yield f"- {facts.title}, {facts.homepage}. {plain(facts.citation)}"


def _archives(known: Known, release: Release) -> Iterator[Sequence[object]]:
    for part in _trained(release):
        for line in known.archives(part.dataset):
            compared = "yes" if line["verified"] else "none published"
            facts = (line["archive"], line["bytes"], line["sha256"], compared)
            yield part.dataset, *facts, line["retrieved"], line["url"]
        if count := known.remotes(part.dataset):
            yield part.dataset, f"{count} sounds one by one", "", "", "", "", "their own addresses"


def _rejected(known: Known, release: Release) -> Iterator[str]:
    yield "## What was left out"
    yield "Rows and clips that did not become pairs; in = out + rejected is checked at every stop."
    yield ""
    counts: dict[tuple[str, str, str], int] = {}
    for stop in ingested(known.lake, release).values():
        for stage, version in (("rows", stop.rows), ("audio", stop.audio), ("pairs", stop.pairs)):
            path = known.lake.rejected(stop.dataset, stage, version)
            table = pq.read_table(path, columns=["stop", "reason"])
            grouped = table.group_by(["stop", "reason"]).aggregate([("reason", "count")])
            for line in grouped.to_pylist():
                key = (stop.dataset, line["stop"], line["reason"])
                counts[key] = counts.get(key, 0) + line["reason_count"]
    lines = ((*key, count) for key, count in sorted(counts.items()))
    yield from _table(("dataset", "stop", "reason", "subjects"), lines)


def _leaks(known: Known, release: Release) -> Iterator[str]:
    yield "## Leaks"
    yield f"Filter: {release.leakage}. Training clips that a benchmark of these datasets holds too,"
    yield "by origin, file or samples:"
    yield ""
    train = {part.dataset: part.train for part in release.parts}
    declared = [b for name in datasets.names() for b in datasets.load(name).benchmarks]
    stops = ingested(known.lake, release).values()
    found = leakage.summary(leakage.find(known.lake, stops, train, declared))
    names = ("dataset", "benchmark", "clips", "pairs", "origin", "file", "samples")
    yield from _table(names, ([line[name] for name in names] for line in found))


def _uses(known: Known, release: Release) -> Iterator[str]:
    yield "## Uses"
    runs = [(run.name, run.run_id) for run in known.runs_on(release.release_id)]
    yield "Runs of this lake that were trained on it:" if runs else "No run was trained on it yet."
    yield ""
    yield from _table(("run", "id"), runs)


def _maintenance(known: Known, release: Release) -> Iterator[str]:
    yield "## Takedowns"
    yield "What was taken down stays out of every later release:"
    yield ""
    stones: list[Line] = [stone.model_dump() for stone in tombstones(known.lake)]
    rows = ((stone["id"], stone["reason"], stone["made"]) for stone in stones)
    yield from _table(("id", "reason", "made"), rows)


def _trained(release: Release) -> list[Part]:
    return [part for part in release.parts if part.pair_counts]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    lines = [_row(row) for row in rows]
    if not lines:
        yield "None."
        return
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from lines


def _row(fields: Sequence[object]) -> str:
    return "| " + " | ".join(plain(field).replace("|", "\\|") for field in fields) + " |"
