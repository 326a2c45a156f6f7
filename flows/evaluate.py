"""Stop 6: a run answers every benchmark; answers and text vectors are kept, scores follow.

Protocols: "generate" asks Pengi with each prompt (sec. 4.2); "cosine" ranks the label texts by the
contrastive model (App. D and H).
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
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
from pengi_model import Clap, Generation, Pengi
from pengi_model.reads import Waves
from schemas import TEMPLATES, Benchmark, Release, Run
from schemas.tables import ANSWERS, TEXTS

BEAM_SIZE = 5  # sec. 4.3
MAX_NEW_TOKENS = 30  # example.py of the released code
_BATCH = 16  # clips at a time
_SPACES = ("pengi", "clip")
_Line = dict[str, Any]
_Key = tuple[str, str]  # clip id and prompt


def evaluate(
    lake: Lake,
    release: Release,
    run: Run,
    benchmarks: Iterable[Benchmark],
    progress: Progress = silent,
) -> list[Path]:
    """Paths of the scores of `run` on `benchmarks`; what is there is not redone."""
    torch.set_num_threads(1)
    versions = ingested(lake, release)
    answering = _Answering(lake, run, progress)
    written: list[Path] = []
    for declared in benchmarks:
        if run.config["stage"] == "clap" and not declared.labels:
            continue
        benchmark = _led_by_what_was_trained(declared, release)
        found = versions[benchmark.dataset]
        key = _key(benchmark, found)
        if not (path := lake.scores(run.run_id, key)).exists():
            rows = benchmark_rows(lake, benchmark, found)
            given, texts = lake.answers(run.run_id, key), lake.texts(run.run_id, key)
            if not texts.exists():
                answering.write(benchmark, found, rows, given, texts)
            tables = pq.read_table(given), pq.read_table(texts)
            write_table(path, score(run, benchmark, rows, *tables, progress=progress))
        written.append(path)
    return written


class _Answering:
    """A run's model, loaded when it is first needed, and what it said so far."""

    def __init__(self, lake: Lake, run: Run, progress: Progress) -> None:
        self.lake, self.run, self.progress = lake, run, progress
        self.told: dict[_Key, Generation] = {}

    @cached_property
    def model(self) -> Pengi | Clap:
        kind = Clap if self.run.config["stage"] == "clap" else Pengi
        return kind.from_pretrained(self.lake.run(self.run.run_id) / "model")

    @cached_property
    def reader(self) -> Pengi | Clap:
        """What embeds texts; a Pengi without text encoder leaves it to the CLAP it started from."""
        if self.model.text_encoder is not None:
            return self.model
        return Clap.from_pretrained(self.lake.run(self.run.parents["clap"]) / "model")

    def write(
        self, benchmark: Benchmark, versions: Ingested, rows: pa.Table, given: Path, texts: Path
    ) -> None:
        """Answers to a benchmark, then the vectors of the texts that scoring will look up."""
        folder = make_waves(self.lake, benchmark.dataset, versions.audio, self.progress)
        if isinstance(self.model, Clap):
            lines = _ranked(self.model, benchmark, rows, Waves([folder]), self.progress)
        else:
            asked = _asked(benchmark, rows)
            fresh = [line for key, line in asked.items() if key not in self.told]
            label = f"evaluate {benchmark.name}: answers"
            self.told.update(_generated(self.model, fresh, Waves([folder]), label, self.progress))
            lines = [_told(line, self.told[key]) for key, line in asked.items()]
        which = {"run_id": self.run.run_id, "benchmark": benchmark.name}
        table = pa.Table.from_pylist([which | line for line in lines], schema=ANSWERS)
        write_table(given, table)
        captions = rows["caption"].to_pylist()
        needed = texts_needed(benchmark, table["answer"].to_pylist(), captions)
        write_table(texts, _texts(self.reader, needed))


def _told(line: _Line, answer: Generation) -> _Line:
    return {"protocol": "generate", **line, "answer": answer.text, "score": answer.score}


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


def _led_by_what_was_trained(benchmark: Benchmark, release: Release) -> Benchmark:
    """The benchmark with prompts that the release has pairs for first: they make the headline."""
    trained = {TEMPLATES[name].input for part in release.parts for name in part.pair_counts}
    prompts = sorted(benchmark.prompts, key=lambda prompt: prompt not in trained)
    return benchmark.model_copy(update={"prompts": tuple(prompts)})


def _generated(
    model: Pengi, asked: list[_Line], waves: Waves, label: str, progress: Progress
) -> Iterator[tuple[_Key, Generation]]:
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        audio = _audio(model, waves, batch)
        prompts = [line["prompt"] for line in batch]
        found = model.generate(audio, prompts, beam_size=BEAM_SIZE, max_new_tokens=MAX_NEW_TOKENS)
        for line, answer in zip(batch, found, strict=True):
            yield (line["clip_id"], line["prompt"]), answer
        progress(label, start + len(batch), len(asked))


def _ranked(
    model: Clap, benchmark: Benchmark, rows: pa.Table, waves: Waves, progress: Progress
) -> Iterator[_Line]:
    labels = list(benchmark.labels.values())
    vectors = model.text_embedding(labels)
    first = benchmark.model_copy(update={"prompts": benchmark.prompts[:1]})
    asked = list(_asked(first, rows).values())
    label = f"evaluate {benchmark.name}: cosines"
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        cosines = model.audio_embedding(_audio(model, waves, batch)) @ vectors.T
        for line, values in zip(batch, cosines.tolist(), strict=True):
            best = max(range(len(labels)), key=values.__getitem__)
            found = {"answer": labels[best], "score": values[best], "candidates": values}
            yield {"protocol": "cosine", **line, "prompt": "", **found}
        progress(label, start + len(batch), len(asked))


def _asked(benchmark: Benchmark, rows: pa.Table) -> dict[_Key, _Line]:
    """What is asked: once per clip and prompt, once per question where the prompt has one."""
    asked: dict[_Key, _Line] = {}
    for prompt in benchmark.prompts:
        for row in rows.to_pylist():
            if row["clip_id"] is None:
                continue
            filled = prompt.replace("{question}", (row["question"] or "").lower())
            line = {"clip_id": row["clip_id"], "row_id": row["row_id"], "prompt": filled}
            asked.setdefault((row["clip_id"], filled), line)
    return asked


def _audio(model: Pengi | Clap, waves: Waves, batch: list[_Line]) -> torch.Tensor:
    samples = model.config.samples
    return torch.stack([torch.from_numpy(waves.window(line["clip_id"], samples)) for line in batch])


def _texts(model: Pengi | Clap, texts: list[str]) -> pa.Table:
    if not texts:
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
