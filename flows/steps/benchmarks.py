"""The rows that a benchmark asks about."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from flows.steps.checks import sql
from flows.steps.lake import Lake
from flows.steps.release import Ingested
from schemas import Benchmark


def benchmark_rows(lake: Lake, benchmark: Benchmark, versions: Ingested) -> pa.Table:
    """ROWS of the benchmark's splits with their `clip_id` (null where the clip was rejected)."""
    with duckdb.connect() as con:
        con.register("row_table", pq.read_table(lake.rows(versions.dataset, versions.rows)))
        con.register("clip_table", pq.read_table(lake.clips(versions.dataset, versions.audio)))
        con.register("split_table", pa.table({"split": list(benchmark.splits)}))
        return con.sql(sql("build/benchmark_rows")).to_arrow_table()
