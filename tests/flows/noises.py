"""Small datasets of noise, written down as lines, brought into a lake."""

import csv
from pathlib import Path

import numpy as np
import soundfile

from flows import datasets
from flows.ingest import ingest
from flows.steps.lake import Lake
from flows.steps.release import Ingested

FILE = """
from schemas import Archive, Benchmark, Dataset, Row

DATASET = Dataset(
    name="{name}", title="T", homepage="https://example.org", licence="CC0-1.0", citation="C",
    archives=(Archive(name="x.zip", url="https://example.org/x.zip"),),
    splits=("train", "val", "test"), train=("train",), templates=("audio_captioning",),
)


def rows(raw):
    for line in raw.csv("rows.csv"):
        origins = tuple(line["origins"].split())
        yield Row(
            row_id=line["row"], clip=line["clip"], split=line["split"], caption=line["caption"],
            origin_ids=origins,
        )


BENCHMARKS = (
    Benchmark(
        name="{name}_cap", dataset="{name}", title="T", splits=("test",), validation=("val",),
        prompts=("generate audio caption",), truth="caption", scoring="caption", metric="SPIDEr",
    ),
)
"""
Line = tuple[str, str, str, int]  # clip, split, origins, which sound (0: no file)
_COLUMNS = ("row", "clip", "split", "origins", "caption")


def bring(
    lake: Lake, folder: Path, name: str, lines: list[Line], captions: dict[str, str] | None = None
) -> Ingested:
    """Ingest the lines as dataset `name`; a row is called clip:origins, `captions` are by clip."""
    folder.mkdir()
    (folder / f"{name}.py").write_text(FILE.format(name=name))
    copy = folder / "copy"
    copy.mkdir()
    with (copy / "rows.csv").open("w", newline="") as file:
        said = captions or {}
        csv.writer(file).writerows(
            [_COLUMNS] + [(f"{c}:{o}", c, s, o, said.get(c, "a sound")) for c, s, o, _ in lines]
        )
    for clip, _, _, sound in lines:
        if sound:
            noise = np.random.default_rng(sound).integers(-9000, 9000, 8000).astype(np.int16)
            soundfile.write(copy / clip, noise, 44_100)
    return ingest(lake, datasets.load(str(folder / f"{name}.py")), copy)
