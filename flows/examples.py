"""What a run says for the paper's examples: Tables 1, 2 and 10, Figures 4 to 6.

The clips are those whose ids come first: ids are hashes, so nothing is picked by its answer (the
paper says that its examples are).
"""

import json
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from flows.answering import Answering, Line
from flows.steps.benchmarks import benchmark_rows
from flows.steps.checks import sql
from flows.steps.lake import write_table
from flows.steps.release import Ingested, ingested
from pengi_model import Pengi
from pengi_model.interpret import interpret
from schemas import TEMPLATES, Benchmark, Release
from schemas.tables import EXAMPLES

_CAPTION, _METADATA = "generate audio caption", "generate metadata"
_SOUNDS = ("esc50", "esc10", "fsd50k", "us8k")  # App. B takes ESC-50; the others where it is not
_PREFIXES = 4  # clips of Table 10
# Figures 5 and 6: the paper's own additional texts, "" for none.
_FIGURE_5: tuple[str, ...] = ("", "in the background")
_FIGURE_6: tuple[tuple[str, ...], ...] = (
    ("", "the bird is called", "name the bird.", "the background is", "mention forest."),
    ("", "at the beginning a", "in the end,", "the background is"),
)


def write_examples(answering: Answering, release: Release, benchmarks: Sequence[Benchmark]) -> None:
    """Write the examples of a generative run, or find them there for all of `benchmarks`."""
    path = answering.lake.examples(answering.run.run_id)
    names = {benchmark.name for benchmark in benchmarks}
    if path.exists() and names <= _told(pq.read_table(path)):
        return
    versions = ingested(answering.lake, release)
    which = {"run_id": answering.run.run_id, "release_id": release.release_id}
    lines = [
        *_templates(answering, release, versions),
        *_tasks(answering, benchmarks, versions),
        *_sounds(answering, benchmarks, versions),
    ]
    filled = [
        which | line | {"details": json.dumps(line["details"], sort_keys=True)} for line in lines
    ]
    write_table(path, pa.Table.from_pylist(filled, schema=EXAMPLES))


def _told(examples: pa.Table) -> set[str]:
    """Benchmarks that Table 2 of stored examples lists."""
    return {
        json.loads(line["details"])["benchmark"]
        for line in examples.to_pylist()
        if line["place"] == "table2"
    }


def _templates(
    answering: Answering, release: Release, versions: dict[str, Ingested]
) -> Iterator[Line]:
    """Table 1 and Figure 4: for every template two pairs, such as were not trained on if any."""
    lake = answering.lake
    pairs = [lake.pairs(found.dataset, found.pairs) for found in versions.values()]
    trained = [(part.dataset, split) for part in release.parts for split in part.train]
    with duckdb.connect() as con:
        con.register("pair_table", pa.concat_tables([pq.read_table(path) for path in pairs]))
        con.register(
            "trained_table",
            pa.table({"dataset": [d for d, _ in trained], "split": [s for _, s in trained]}),
        )
        con.register("template_table", pa.table({"template": list(TEMPLATES)}))
        chosen = con.sql(sql("results/example_pairs")).to_arrow_table().to_pylist()
    for pair in chosen:
        asked = [(pair["clip_id"], pair["input"])]
        ((said, _),) = answering.few(versions[pair["dataset"]], asked)
        names = ("template", "output", "split", "trained")
        yield {
            "place": ("table1", "figure4")[pair["turn"] - 1],
            **_asked(pair["dataset"], *asked[0], said.text),
            "details": {name: pair[name] for name in names},
        }


def _tasks(
    answering: Answering, benchmarks: Sequence[Benchmark], versions: dict[str, Ingested]
) -> Iterator[Line]:
    """Table 2: the tasks as they are asked here."""
    for benchmark in benchmarks:
        found = versions[benchmark.dataset]
        rows = benchmark_rows(answering.lake, benchmark, found)
        clips = set(rows["clip_id"].drop_null().to_pylist())
        listed = pq.read_table(
            answering.lake.clips(found.dataset, found.audio), columns=["clip_id", "seconds"]
        )
        seconds = [s for clip, s in zip(*listed.to_pydict().values(), strict=True) if clip in clips]
        yield {
            "place": "table2",
            **_asked(benchmark.dataset, None, benchmark.prompts[0], None),
            "details": {
                "benchmark": benchmark.name,
                "title": benchmark.title,
                "clips": len(clips),
                "n_official": benchmark.n_official,
                "seconds": [min(seconds), median(seconds), max(seconds)] if seconds else None,
                "scoring": benchmark.scoring,
                "labels": len(benchmark.labels) or None,
                "metric": benchmark.metric,
                "splits": list(benchmark.splits),
            },
        }


def _sounds(
    answering: Answering, benchmarks: Sequence[Benchmark], versions: dict[str, Ingested]
) -> Iterator[Line]:
    """Table 10 and Figures 5 and 6, on sounds of one benchmark of sound events."""
    asked = {benchmark.name: benchmark for benchmark in benchmarks}
    if not (benchmark := next((asked[name] for name in _SOUNDS if name in asked), None)):
        return
    found = versions[benchmark.dataset]
    rows = benchmark_rows(answering.lake, benchmark, found).to_pylist()
    events = {row["clip_id"]: row["events"] for row in rows if row["clip_id"] is not None}
    clips = _of_different_events(events)
    for clip in clips[:_PREFIXES]:
        ((said, prefix),) = answering.few(found, [(clip, _CAPTION)])
        assert isinstance(answering.model, Pengi)
        yield {
            "place": "table10",
            **_asked(found.dataset, clip, _CAPTION, said.text),
            "details": {"events": events[clip]} | nearest_tokens(answering.model, prefix),
        }
    birds = [clip for clip in clips if any("bird" in event for event in events[clip])]
    yield from _added(answering, found, events, "figure5", clips[:1], _FIGURE_5)
    yield from _added(answering, found, events, "figure6", [*birds, *clips][:1], _FIGURE_6[0])
    others = [clip for clip in clips if clip not in birds]
    yield from _added(answering, found, events, "figure6", others[-1:], _FIGURE_6[1])


def _added(
    answering: Answering,
    versions: Ingested,
    events: dict[str, list[str]],
    place: str,
    clips: Sequence[str],
    texts: Sequence[str],
) -> Iterator[Line]:
    """App. A: an answer for every clip and additional text."""
    for clip in clips:
        for text in texts:
            ((said, _),) = answering.few(versions, [(clip, _METADATA)], [text] if text else None)
            line = _asked(versions.dataset, clip, _METADATA, said.text)
            details = {"events": events[clip]}
            yield {"place": place, **line, "additional_text": text, "details": details}


def _of_different_events(events: dict[str, list[str]]) -> list[str]:
    """Clips in the order of their ids, the first of each set of events."""
    first: dict[tuple[str, ...], str] = {}
    for clip in sorted(events):
        first.setdefault(tuple(events[clip]), clip)
    return sorted(first.values())


def _asked(dataset: str, clip: str | None, prompt: str, answer: str | None) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "clip_id": clip,
        "prompt": prompt,
        "additional_text": "",
        "answer": answer,
    }


@torch.inference_mode()
def nearest_tokens(model: Pengi, prefix: Tensor) -> dict[str, list[Any]]:
    """App. B: the token nearest to each vector of the audio prefix, which stands first in `prefix`.

    prefix: (length, width).
    """
    audio = prefix[None, : model.config.audio_mapping.prefix]
    found = interpret(audio, model.language_model.transformer.wte.weight, model.tokenizer)
    cosines = [round(cosine, 6) for cosine in found.similarities[0].tolist()]
    return {"ids": found.ids[0].tolist(), "tokens": found.tokens[0], "cosines": cosines}
