"""Pairs: the template mapping of Table 1, done by `sql/build/pairs.sql` in DuckDB."""

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps.checks import check, sql
from flows.steps.lake import Lake, sha256_text, write_table
from schemas import TEMPLATES, Dataset
from schemas.tables import PAIRS, REJECTED

_BUILD = "build/pairs"


def make_pairs(lake: Lake, dataset: Dataset, rows_version: str, audio_version: str) -> str:
    """Write pairs and rejections of one dataset, sorted by clip; return the version.

    ReconcileError when rows x templates is not pairs + rejected, or a pair id occurs twice.
    """
    templates = _templates(dataset)
    version = sha256_text(
        "pairs-1", rows_version, audio_version, str(templates.to_pylist()), sql(_BUILD)
    )[:16]
    path = lake.pairs(dataset.name, version)
    if path.exists():
        return version
    rows = pq.read_table(lake.rows(dataset.name, rows_version))
    clips = pq.read_table(lake.clips(dataset.name, audio_version), columns=["name", "clip_id"])
    pairs, rejected = map_rows(rows, clips, templates)
    check(
        "pairs_reconcile",
        row_table=rows,
        template_table=templates,
        pair_table=pairs,
        rejected_table=rejected,
    )
    check("pairs_unique", pair_table=pairs)
    write_table(lake.rejected(dataset.name, "pairs", version), rejected)
    write_table(path, pairs)
    return version


def map_rows(rows: pa.Table, clips: pa.Table, templates: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(pairs, rejected) of `rows` (ROWS) under `templates` (name, input, version)."""
    with duckdb.connect() as con:
        con.register("row_table", rows)
        con.register("clip_table", clips)
        con.register("template_table", templates)
        mapped = con.sql(sql(_BUILD)).to_arrow_table()
    kept = pc.is_null(mapped["reason"])
    pairs = mapped.filter(kept).select(PAIRS.names).cast(PAIRS)
    left = mapped.filter(pc.invert(kept))
    details = [
        _detail(line["reason"], line["clip"], line["template"])
        for line in left.select(["reason", "clip", "template"]).to_pylist()
    ]
    rejected = pa.table(
        {
            "dataset": left["dataset"],
            "stop": ["pairs"] * left.num_rows,
            "kind": ["row"] * left.num_rows,
            "subject": left["row_id"],
            "template": left["template"],
            "reason": left["reason"],
            "detail": details,
        },
        schema=REJECTED,
    )
    return pairs, rejected


def _templates(dataset: Dataset) -> pa.Table:
    chosen = [TEMPLATES[name] for name in dataset.templates]
    return pa.table(
        {
            "name": pa.array([t.name for t in chosen], pa.string()),
            "input": pa.array([t.input for t in chosen], pa.string()),
            "version": pa.array([t.version for t in chosen], pa.int32()),
        }
    )


def _detail(reason: str, clip: str, template: str) -> str:
    if reason == "clip_not_available":
        return f"clip {clip!r} was rejected or is missing"
    return f"template {template} needs {', '.join(TEMPLATES[template].needs)}"
