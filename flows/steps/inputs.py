"""What went into a release, for its report: parts, licences, what was left out, and leaks."""

import json
from collections import Counter
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from flows import datasets
from flows.steps import leakage
from flows.steps.checks import sql
from flows.steps.lake import Lake
from flows.steps.release import ingested
from schemas import Release
from schemas.tables import CLIPS, REJECTED

_Line = dict[str, Any]


def parts(release: Release) -> list[_Line]:
    """One line per dataset: what it gave, its licence, its hours."""
    known = set(datasets.names())
    return [
        {
            **part.model_dump(),
            "licence": datasets.load(part.dataset).dataset.licence if part.dataset in known else "",
            "hours": part.seconds_in_release / 3600,
            "pairs": sum(part.pair_counts.values()),
        }
        for part in release.parts
    ]


def templates(release: Release) -> list[tuple[str, int]]:
    """(template, pairs) of the whole release, the largest first."""
    total: Counter[str] = Counter()
    for part in release.parts:
        total.update(part.pair_counts)
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))


def skipped(release: Release) -> list[tuple[str, list[str]]]:
    """(reason, datasets) of what the plan left out."""
    found: dict[str, str] = json.loads(release.provenance.get("skipped", "{}"))
    gathered: dict[str, list[str]] = {}
    for dataset, reason in sorted(found.items()):
        gathered.setdefault(reason, []).append(dataset)
    return list(gathered.items())


def counted(lake: Lake, release: Release, question: str) -> list[_Line]:
    """Lines of `sql/results/<question>.sql` over the clips and rejections of the release."""
    versions = ingested(lake, release).values()
    schema = pa.schema([CLIPS.field(name) for name in ("dataset", "licence", "seconds")])
    clips = [pq.read_table(lake.clips(v.dataset, v.audio), columns=schema.names) for v in versions]
    rejected = [
        pq.read_table(lake.rejected(v.dataset, stop, version))
        for v in versions
        for stop, version in (("rows", v.rows), ("audio", v.audio), ("pairs", v.pairs))
    ]
    with duckdb.connect() as con:
        con.register("clip_table", pa.concat_tables([schema.empty_table(), *clips]))
        con.register("rejected_table", pa.concat_tables([REJECTED.empty_table(), *rejected]))
        return con.sql(sql(f"results/{question}")).to_arrow_table().to_pylist()


def leaks(lake: Lake, release: Release) -> _Line:
    """The summary that `pengi leaks` prints, what was compared, and the totals."""
    train = {part.dataset: part.train for part in release.parts}
    declared = [b for name in datasets.names() for b in datasets.load(name).benchmarks]
    found = leakage.find(lake, ingested(lake, release).values(), train, declared)
    return {
        "lines": leakage.summary(found),
        "compared": sum(b.dataset in train for b in declared),
        "clips": len(set(found["clip_id"].to_pylist())),
    }
