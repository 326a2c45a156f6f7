"""Stop 6: a run answers every benchmark; answers and text vectors are kept, scores follow.

Protocols: "generate" asks Pengi with each prompt (sec. 4.2); "cosine" ranks the label texts by the
contrastive model (App. D and H).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from flows.steps.checks import sql
from flows.steps.lake import Lake, sha256_text, write_table
from flows.steps.progress import Progress, silent
from flows.steps.release import Ingested, ingested
from flows.steps.scores import score, texts_needed
from flows.steps.waves import make_waves
from pengi_model import Clap, Pengi
from pengi_model.reads import Waves
from schemas import TEMPLATES, Benchmark, Release, Run
from schemas.tables import ANSWERS, TEXTS

BEAM_SIZE = 5  # sec. 4.3
MAX_NEW_TOKENS = 30  # example.py of the released code
_BATCH = 16  # clips at a time
_SPACES = ("pengi", "clip")
_Line = dict[str, Any]


def evaluate(
    lake: Lake,
    release: Release,
    run: Run,
    benchmarks: Iterable[Benchmark],
    progress: Progress = silent,
) -> list[Path]:
    """Paths of the scores of `run` on `benchmarks`; what is there is not redone."""
    torch.set_num_threads(1)
    model: Pengi | Clap | None = None
    versions = ingested(lake, release)
    written: list[Path] = []
    for declared in benchmarks:
        if run.name == "clap" and not declared.labels:
            continue
        benchmark = _led_by_what_was_trained(declared, release)
        path = lake.scores(run.run_id, _key(benchmark, versions[benchmark.dataset]))
        if not path.exists():
            model = model or _load(lake, run)
            _one(lake, run, benchmark, versions[benchmark.dataset], model, path, progress)
        written.append(path)
    return written


def _one(
    lake: Lake,
    run: Run,
    benchmark: Benchmark,
    versions: Ingested,
    model: Pengi | Clap,
    path: Path,
    progress: Progress,
) -> None:
    rows = benchmark_rows(lake, benchmark, versions)
    waves = Waves([make_waves(lake, benchmark.dataset, versions.audio, progress)])
    if isinstance(model, Clap):
        lines = _ranked(model, benchmark, rows, waves, progress)
    else:
        lines = _generated(model, benchmark, rows, waves, progress)
    given = pa.Table.from_pylist(
        [{"run_id": run.run_id, "benchmark": benchmark.name, **line} for line in lines],
        schema=ANSWERS,
    )
    texts = _texts(model, texts_needed(benchmark, given["answer"].to_pylist()))
    write_table(lake.answers(run.run_id, path.stem), given)
    write_table(lake.texts(run.run_id, path.stem), texts)
    write_table(path, score(run, benchmark, rows, given, texts, progress=progress))


def benchmark_rows(lake: Lake, benchmark: Benchmark, versions: Ingested) -> pa.Table:
    """ROWS of the benchmark's splits with their `clip_id` (null where the clip was rejected)."""
    with duckdb.connect() as con:
        con.register("row_table", pq.read_table(lake.rows(versions.dataset, versions.rows)))
        con.register("clip_table", pq.read_table(lake.clips(versions.dataset, versions.audio)))
        con.register("split_table", pa.table({"split": list(benchmark.splits)}))
        return con.sql(sql("build/benchmark_rows")).to_arrow_table()


def _key(benchmark: Benchmark, versions: Ingested) -> str:
    """File stem of answers and scores: the benchmark, and a hash of all they follow from."""
    content = sha256_text(
        "evaluation-1", benchmark.model_dump_json(), *versions, str((BEAM_SIZE, MAX_NEW_TOKENS))
    )
    return f"{benchmark.name}-{content[:8]}"


def _load(lake: Lake, run: Run) -> Pengi | Clap:
    kind = Clap if run.name == "clap" else Pengi
    return kind.from_pretrained(lake.run(run.run_id) / "model")


def _led_by_what_was_trained(benchmark: Benchmark, release: Release) -> Benchmark:
    """The benchmark with prompts that the release has pairs for first: they make the headline."""
    trained = {TEMPLATES[name].input for part in release.parts for name in part.pair_counts}
    prompts = sorted(benchmark.prompts, key=lambda prompt: prompt not in trained)
    return benchmark.model_copy(update={"prompts": tuple(prompts)})


def _generated(
    model: Pengi, benchmark: Benchmark, rows: pa.Table, waves: Waves, progress: Progress
) -> Iterator[_Line]:
    asked = _asked(benchmark, rows)
    label = f"evaluate {benchmark.name}: answers"
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        audio = _audio(model, waves, batch)
        prompts = [line["prompt"] for line in batch]
        found = model.generate(audio, prompts, beam_size=BEAM_SIZE, max_new_tokens=MAX_NEW_TOKENS)
        for line, text in zip(batch, found, strict=True):
            yield {"protocol": "generate", **line, "answer": text.text, "score": text.score}
        progress(label, start + len(batch), len(asked))


def _ranked(
    model: Clap, benchmark: Benchmark, rows: pa.Table, waves: Waves, progress: Progress
) -> Iterator[_Line]:
    labels = list(benchmark.labels.values())
    vectors = model.text_embedding(labels)
    first = benchmark.model_copy(update={"prompts": benchmark.prompts[:1]})
    asked = _asked(first, rows)
    label = f"evaluate {benchmark.name}: cosines"
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        cosines = model.audio_embedding(_audio(model, waves, batch)) @ vectors.T
        for line, values in zip(batch, cosines.tolist(), strict=True):
            best = max(range(len(labels)), key=values.__getitem__)
            found = {"answer": labels[best], "score": values[best], "candidates": values}
            yield {"protocol": "cosine", **line, "prompt": "", **found}
        progress(label, start + len(batch), len(asked))


def _asked(benchmark: Benchmark, rows: pa.Table) -> list[_Line]:
    """What is asked: once per clip and prompt, once per question where the prompt has one."""
    asked: dict[tuple[str, str], _Line] = {}
    for prompt in benchmark.prompts:
        for row in rows.to_pylist():
            if row["clip_id"] is None:
                continue
            filled = prompt.replace("{question}", (row["question"] or "").lower())
            line = {"clip_id": row["clip_id"], "row_id": row["row_id"], "prompt": filled}
            asked.setdefault((row["clip_id"], filled), line)
    return list(asked.values())


def _audio(model: Pengi | Clap, waves: Waves, batch: list[_Line]) -> torch.Tensor:
    samples = model.config.samples
    return torch.stack([torch.from_numpy(waves.window(line["clip_id"], samples)) for line in batch])


def _texts(model: Pengi | Clap, texts: list[str]) -> pa.Table:
    if not texts or model.text_encoder is None:
        return TEXTS.empty_table()
    lines: list[_Line] = []
    for space in _SPACES:
        for start in range(0, len(texts), _BATCH):
            part = texts[start : start + _BATCH]
            vectors = model.text_embedding(part, space=space).tolist()
            lines += [
                {"space": space, "text": text, "vector": vector}
                for text, vector in zip(part, vectors, strict=True)
            ]
    return pa.Table.from_pylist(lines, schema=TEXTS)
