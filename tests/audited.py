"""A lake to audit: two ingested datasets, a release, a run with its order, answers and a score.

`garden` holds the kettle of `kitchen` under another name. What the run read is worked out here the
slow way, pair by pair.
"""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from flows import datasets
from flows.ingest import ingest
from flows.steps.lake import Lake, write_json, write_table
from flows.steps.release import Ingested, make_release, training_pairs
from pengi_model import order
from schemas import Release, Run
from schemas.tables import ANSWERS, SCORES

DATASET_FILE = """
from schemas import Archive, Dataset, Row

DATASET = Dataset(
    name="{name}",
    title="Sounds of a {name}",
    homepage="https://example.org/{name}",
    licence="CC-BY-4.0",
    citation="Cook: Sounds of a {name}",
    archives=(Archive(name="{name}.zip", url="https://example.org/{name}.zip"),),
    splits=("train", "test"),
    train=("train",),
    templates=("audio_captioning", "sound_event_classification"),
)


def rows(raw):
    for number, line in enumerate(raw.csv("captions.csv"), start=2):
        yield Row(
            row_id=f"captions.csv:{{number}}",
            clip=line["file"],
            split=line["split"],
            caption=line["caption"],
            events=(line["event"],),
            licence=line["licence"] or None,
            attribution=line["author"],
            origin_ids=(line["origin"],),
        )
"""
RUN = "00112233445566ff"
WEIGHTS = {"audio_captioning": 1, "sound_event_classification": 3}
BATCH, STEPS, RAN = 5, 40, 30
_HEAD = ("file", "split", "caption", "event", "licence", "author", "origin")
_LINES = {
    "kitchen": [
        ("kettle.wav", "train", "A kettle boils.", "kettle", "", "Ann", "freesound:7"),
        ("tap.wav", "train", "A tap drips", "tap", "CC0-1.0", "Bob", "freesound:8"),
        ("pan.wav", "test", "A pan sizzles", "pan", "", "Ann", "freesound:9"),
        ("clock.wav", "train", "A clock ticks", "clock", "CC-BY-NC-3.0", "Eve", "freesound:10"),
    ],
    "garden": [
        ("bird.wav", "train", "A bird sings", "bird", "", "Dan", "freesound:11"),
        ("steam.wav", "train", "Steam hisses", "steam", "", "Dan", "freesound:12"),
    ],
}
_PITCH = {"kettle": 880, "steam": 880, "tap": 220, "pan": 330, "clock": 440, "bird": 1760}


class Audited(NamedTuple):
    lake: Lake
    stops: list[Ingested]
    release: Release
    copies: dict[str, Path]


def dataset_file(folder: Path, name: str) -> Path:
    """The dataset's own file and its copy beside it, as a publisher gives it."""
    file, copy = folder / f"{name}.py", folder / name
    file.write_text(DATASET_FILE.format(name=name))
    copy.mkdir()
    with (copy / "captions.csv").open("w", newline="") as out:
        csv.writer(out).writerows([_HEAD, *_LINES[name]])
    time = np.arange(11_025) / 22_050
    for sound, *_ in _LINES[name]:
        wave = 0.3 * np.sin(2 * np.pi * _PITCH[sound.removesuffix(".wav")] * time)
        soundfile.write(copy / sound, wave, 22_050)
    return file


def audited(folder: Path) -> Audited:
    """The lake, with HEAD at its release and one run that stopped after 30 of 40 steps."""
    lake = Lake.create(folder / "lake")
    files = {name: dataset_file(folder, name) for name in _LINES}
    stops = [ingest(lake, datasets.load(str(f)), f.with_suffix("")) for f in files.values()]
    release = make_release(lake, stops, dict.fromkeys(_LINES, ("train",)), {"made": "2024-05-01"})
    _train(lake, release)
    _evaluate(lake, release)
    return Audited(lake, stops, release, {name: f.with_suffix("") for name, f in files.items()})


def order_of(lake: Lake, release: Release) -> list[str]:
    """Pair ids of the run's positions, each as often as its template weighs."""
    pairs = training_pairs(lake, release.parts).to_pylist()
    return [pair["pair_id"] for pair in pairs for _ in range(WEIGHTS[pair["template"]])]


def batch(lake: Lake, release: Release, step: int) -> list[str]:
    """Pair ids of a step's batch."""
    ids = order_of(lake, release)
    return [ids[place] for place in order.samples(len(ids), 3, step * BATCH, BATCH)]


def _train(lake: Lake, release: Release) -> None:
    run = Run(
        run_id=RUN,
        name="pengi",
        release_id=release.release_id,
        code_sha256="c" * 64,
        config={"stage": "pengi", "seed": 3, "settings": {}},
        provenance={"made": "2024-05-02T00:00:00+00:00"},
    )
    folder, ids = lake.run(RUN), order_of(lake, release)
    write_json(folder / "run.json", run.model_dump())
    plan = [{"first": 0, "stop": STEPS, "batch": BATCH, "first_sample": 0}]
    digest = hashlib.sha256("".join(f"{id}\n" for id in ids).encode()).hexdigest()
    facts = {"seed": 3, "pairs": len(ids), "pairs_sha256": digest, "templates": WEIGHTS}
    (folder / "order.json").write_text(json.dumps(facts | {"plan": plan}))
    ran = f'{{"first": 0, "stop": 20}}\n{{"first": 20, "stop": {RAN}}}\n{{"first": 30, "st'
    (folder / "steps.jsonl").write_text(ran)  # the last line is cut by a kill
    (folder / "model").mkdir()
    (folder / "model" / "model.safetensors").write_bytes(b"weights")


def _evaluate(lake: Lake, release: Release) -> None:
    """Answers and a score of esc50, so that table 3 has a number."""
    which: dict[str, Any] = {"run_id": RUN, "benchmark": "esc50"}
    asked = which | {"protocol": "generate", "prompt": "this is a sound of"}
    clips = pq.read_table(next(iter((lake.root / "audio").glob("kitchen/*/clips.parquet"))))
    given = [
        asked | {"clip_id": clip["clip_id"], "row_id": f"esc50.csv:{n}", "answer": "tap"}
        for n, clip in enumerate(clips.to_pylist())
    ]
    line = asked | {"run": "pengi", "release_id": release.release_id, "metric": "accuracy"}
    numbers = {"headline": True, "value": 0.25, "ci_low": 0.0, "ci_high": 0.5, "n": 4}
    scores = pa.Table.from_pylist([line | numbers], SCORES)
    write_table(lake.answers(RUN, "esc50-0"), pa.Table.from_pylist(given, ANSWERS))
    write_table(lake.scores(RUN, "esc50-0"), scores)
