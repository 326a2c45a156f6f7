"""A lake with one release and two scored runs, small enough to work out by hand."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.steps.lake import Lake, write_json, write_table
from flows.steps.scores import score, texts_needed
from schemas import Benchmark, File, Part, Release, Run
from schemas.tables import ANSWERS, CLIPS, PAIRS, REJECTED, ROWS, TEXTS

RELEASE = "0123456789abcdef"
_AXES = 16  # width of the vectors below


def run(name: str = "pengi") -> Run:
    return Run(
        run_id=f"{name}-1",
        name=name,
        release_id=RELEASE,
        code_sha256="c" * 64,
        config={"steps": 3},
        provenance={"made": "2024-05-01T00:00:00+00:00"},
    )


def rows(lines: list[dict[str, Any]]) -> pa.Table:
    """ROWS with `clip_id`: row i annotates clip i unless the line says otherwise."""
    schema = ROWS.append(pa.field("clip_id", pa.string()))
    filled = [
        {"dataset": "d", "row_id": f"r{i}", "clip": f"{i}.wav", "split": "test", "clip_id": f"c{i}"}
        | line
        for i, line in enumerate(lines)
    ]
    return pa.Table.from_pylist(filled, schema=schema)


def answers(benchmark: str, said: list[Any], prompt: str = "p", **line: Any) -> pa.Table:
    """ANSWERS for rows r0, r1, ... of clips c0, c1, ...; a list is the candidates of a ranking."""
    made = [
        {
            "run_id": "pengi-1",
            "benchmark": benchmark,
            "protocol": "cosine" if isinstance(text, list) else "generate",
            "clip_id": f"c{i}",
            "row_id": f"r{i}",
            "prompt": prompt,
            "answer": "" if isinstance(text, list) else text,
            "candidates": text if isinstance(text, list) else None,
        }
        | line
        for i, text in enumerate(said)
    ]
    return pa.Table.from_pylist(made, schema=ANSWERS)


def texts(vectors: dict[str, list[float]], space: str = "pengi") -> pa.Table:
    lines = [{"space": space, "text": text, "vector": v} for text, v in vectors.items()]
    return pa.Table.from_pylist(lines, schema=TEXTS)


def one_hot(names: list[str], space: str = "pengi") -> pa.Table:
    """Every text its own axis: equal texts have cosine 1, others 0."""
    eye = {name: [float(i == j) for j in range(_AXES)] for i, name in enumerate(names)}
    return texts(eye, space)


def benchmark(**fields: Any) -> Benchmark:
    given = {
        "name": "b",
        "dataset": "d",
        "title": "B",
        "splits": ("test",),
        "prompts": ("p", "q"),
        "truth": "events",
        "scoring": "match",
        "metric": "accuracy",
    }
    return Benchmark.model_validate(given | fields)


def lines(table: pa.Table) -> dict[str, dict[str, Any]]:
    """Scores by metric (of one prompt and protocol)."""
    return {line["metric"]: line for line in table.to_pylist()}


ESC50 = benchmark(
    name="esc50",
    dataset="esc50",
    prompts=("generate metadata", "this is a sound of"),
    labels={"dog": "dog", "rain": "rain"},
    n_official=2000,
)
EXTRA = ESC50.model_copy(update={"name": "esc10", "prompts": ("this is a sound of",)})


def scored_lake(root: Path) -> Lake:
    """esc50 of run pengi: 3/4 with the first prompt, 1/4 with the second; clap 4/4; esc10 2/4."""
    lake = Lake.create(root)
    _release(lake)
    truth = rows([{"events": [label]} for label in ("dog", "dog", "rain", "rain")])
    for name in ("pengi", "clap"):
        write_json(lake.run(f"{name}-1") / "run.json", run(name).model_dump())
    log = '{"step": 1, "loss": 3.0}\n{"step": 2, "loss": 1.5}\n'
    (lake.run("pengi-1") / "metrics.jsonl").write_text(log)
    asked = pa.concat_tables(
        [
            answers("esc50", ["dog", "dog", "rain", "dog"], "generate metadata"),
            answers("esc50", ["rain", "rain", "rain", ""], "this is a sound of"),
        ]
    )
    _store(lake, run(), ESC50, truth, asked)
    half = answers("esc10", ["dog", "rain", "rain", "dog"], "this is a sound of")
    _store(lake, run(), EXTRA, truth, half)
    ranked = answers("esc50", [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.4]], "", run_id="clap-1")
    _store(lake, run("clap"), ESC50, truth, ranked)
    return lake


def _store(lake: Lake, made: Run, asked: Benchmark, truth: pa.Table, given: pa.Table) -> None:
    vectors = one_hot(texts_needed(asked, given["answer"].to_pylist()))
    stem = f"{asked.name}-00000000"
    write_table(lake.answers(made.run_id, stem), given)
    write_table(lake.scores(made.run_id, stem), score(made, asked, truth, given, vectors))


def _release(lake: Lake) -> None:
    tables = {
        lake.rows("esc50", "r"): ROWS.empty_table(),
        lake.clips("esc50", "a"): CLIPS.empty_table(),
        lake.pairs("esc50", "p"): PAIRS.empty_table(),
        lake.rejected("esc50", "rows", "r"): REJECTED.empty_table(),
        lake.rejected("esc50", "audio", "a"): pa.Table.from_pylist(
            [{"dataset": "esc50", "stop": "audio", "kind": "clip", "reason": "missing_clip"}],
            schema=REJECTED,
        ),
        lake.rejected("esc50", "pairs", "p"): REJECTED.empty_table(),
    }
    for path, table in tables.items():
        write_table(path, table)
    rows_file, clips_file, pairs_file = (
        File(path=lake.relative(path), bytes=1, sha256="0") for path in list(tables)[:3]
    )
    part = Part(
        dataset="esc50",
        rows=rows_file,
        clips=clips_file,
        pairs=pairs_file,
        shards=(),
        train=("fold1",),
        pair_counts={"sound_event_classification": 4},
        clips_in_release=4,
        seconds_in_release=20.0,
        rejected=1,
    )
    release = Release(
        release_id=RELEASE,
        leakage="paper",
        templates={"sound_event_classification": 1},
        parts=(part,),
        pairs=4,
        pairs_sha256="0",
        provenance={"made": "2024-05-01T00:00:00+00:00"},
    )
    write_json(lake.release(RELEASE), release.model_dump())
    lake.move_head(None, RELEASE)
