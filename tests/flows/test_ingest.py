"""A data engineer's first hour: one file, one folder of sounds, its pairs, ledger and chain."""

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from flows import datasets
from flows.ingest import ingest
from flows.steps.lake import Lake, LakeError
from flows.steps.release import make_release, read_release, training_pairs, verify
from flows.steps.rows import RowsError
from flows.steps.tree import as_tree
from flows.trace import UnknownId, trace

DATASET_FILE = """
from schemas import Archive, Dataset, Row

DATASET = Dataset(
    name="kitchen",
    title="Kitchen sounds",
    homepage="https://example.org/kitchen",
    licence="CC-BY-4.0",
    citation="Cook: Kitchen sounds",
    archives=(Archive(name="kitchen.zip", url="https://example.org/kitchen.zip"),),
    splits=("train", "test"),
    train=("train",),
    templates=("audio_captioning",),
)


def rows(raw):
    for number, line in enumerate(raw.csv("captions.csv"), start=2):
        yield Row(
            row_id=f"captions.csv:{number}",
            clip=line["file"],
            split=line["split"],
            caption=line["caption"] or None,
            origin_ids=("freesound:7",),
        )
"""
LINES = [
    ("kettle.wav", "train", "A kettle boils."),
    ("kettle.wav", "train", "Water is boiling"),
    ("tap.wav", "train", ""),
    ("broken.wav", "train", "static"),
    ("gone.wav", "train", "silence"),
    ("tap.wav", "test", "a tap drips"),
]


@pytest.fixture
def kitchen(tmp_path: Path) -> tuple[Path, Path]:
    """(dataset file, folder with its sounds)."""
    file = tmp_path / "kitchen.py"
    file.write_text(DATASET_FILE)
    folder = tmp_path / "copy"
    folder.mkdir()
    with (folder / "captions.csv").open("w", newline="") as out:
        csv.writer(out).writerows([("file", "split", "caption"), *LINES])
    time = np.arange(22_050) / 22_050
    for name, pitch in (("kettle", 880), ("tap", 220)):
        soundfile.write(folder / f"{name}.wav", 0.3 * np.sin(2 * np.pi * pitch * time), 22_050)
    (folder / "broken.wav").write_bytes(b"RIFF\x00\x00")
    return file, folder


def written(lake: Lake) -> dict[Path, int]:
    """When each file of the lake was written; locks aside."""
    files = [path for path in lake.root.rglob("*") if path.is_file() and path.name[0] != "."]
    return {path: path.stat().st_mtime_ns for path in files}


def test_pairs_rejections_release_and_chain(kitchen: tuple[Path, Path], lake: Lake) -> None:
    file, folder = kitchen
    done = ingest(lake, datasets.load(str(file)), folder)
    pairs = pq.read_table(lake.pairs("kitchen", done.pairs))
    assert sorted(pairs["output"].to_pylist()) == [
        "a kettle boils",
        "a tap drips",
        "water is boiling",
    ]
    reasons = {
        line["subject"]: line["reason"]
        for stage, version in (("audio", done.audio), ("pairs", done.pairs))
        for line in pq.read_table(lake.rejected("kitchen", stage, version)).to_pylist()
    }
    assert reasons["captions.csv:4"] == "row_lacks_fact"
    assert reasons["captions.csv:5"] == reasons["captions.csv:6"] == "clip_not_available"
    assert reasons["gone.wav"] == "missing_clip"
    assert "broken.wav" in reasons
    assert pairs.num_rows + 3 == len(LINES)

    release = make_release(lake, [done], {"kitchen": ("train",)}, {})
    assert (release.pairs, lake.head()) == (2, release.release_id)
    trained = training_pairs(lake, release.parts)
    assert set(trained["output"].to_pylist()) == {"a kettle boils", "water is boiling"}
    assert verify(lake, release.release_id) == []

    pair = trained.to_pylist()[0]
    chain = trace(lake, pair["pair_id"])
    (clip,) = (node for node in chain["back"] if node["kind"] == "clip")
    assert (clip["facts"]["name"], clip["back"][1]["id"]) == ("kettle.wav", "CC-BY-4.0")
    assert clip["facts"]["origin_ids"] == ["freesound:7"]
    assert [node["id"] for node in chain["forth"]] == [release.release_id]
    assert len(trace(lake, pair["clip_id"])["forth"]) == 2
    assert "kettle.wav" in as_tree(trace(lake, pair["clip_id"]))


def test_again_redoes_nothing_and_gives_the_same_release(
    kitchen: tuple[Path, Path], lake: Lake, tmp_path: Path
) -> None:
    file, folder = kitchen
    first = ingest(lake, datasets.load(str(file)), folder)
    before = written(lake)
    assert ingest(lake, datasets.load(str(file)), folder) == first
    assert written(lake) == before

    elsewhere = Lake.create(tmp_path / "elsewhere")
    second = ingest(elsewhere, datasets.load(str(file)), folder)
    ids = {
        make_release(place, [done], {"kitchen": ("train",)}, {"made": str(place.root)}).release_id
        for place, done in ((lake, first), (elsewhere, second))
    }
    assert len(ids) == 1


def test_a_changed_byte_is_found_and_named(kitchen: tuple[Path, Path], lake: Lake) -> None:
    done = ingest(lake, datasets.load(str(kitchen[0])), kitchen[1])
    release = make_release(lake, [done], {"kitchen": ("train",)}, {})
    shard = lake.root / release.parts[0].shards[0].path
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    (damage,) = verify(lake, release.release_id)
    assert damage.startswith(release.parts[0].shards[0].path)
    lake.release(release.release_id).write_text(
        lake.release(release.release_id).read_text().replace('"pairs": 2', '"pairs": 3')
    )
    assert any(line.startswith("manifest") for line in verify(lake, release.release_id))


def test_what_does_not_exist_is_named(kitchen: tuple[Path, Path], lake: Lake) -> None:
    with pytest.raises(LakeError, match="no release"):
        read_release(lake, "HEAD")
    with pytest.raises(UnknownId, match="dog: no pair, clip,"):
        trace(lake, "dog")
    with pytest.raises(UnknownId, match="has this id"):
        trace(lake, "0" * 32)
    with pytest.raises(datasets.UnknownDataset, match=r"unknown dataset 'kitchn'.*esc50"):
        datasets.load("kitchn")
    (kitchen[0].parent / "empty.py").write_text("X = 1\n")
    with pytest.raises(datasets.UnknownDataset, match="lacks DATASET and rows"):
        datasets.load(str(kitchen[0].parent / "empty.py"))


def test_annotations_that_changed_their_columns_stop_the_ingestion(
    kitchen: tuple[Path, Path], lake: Lake
) -> None:
    file, folder = kitchen
    (folder / "captions.csv").write_text("path,split,caption\nkettle.wav,train,a\n")
    with pytest.raises(RowsError, match=r"kitchen.*KeyError: 'file'"):
        ingest(lake, datasets.load(str(file)), folder)
    assert not (lake.root / "pairs").exists()


def test_an_undeclared_split_stops_the_ingestion(kitchen: tuple[Path, Path], lake: Lake) -> None:
    file, folder = kitchen
    (folder / "captions.csv").write_text("file,split,caption\nkettle.wav,dev,a\n")
    with pytest.raises(RowsError, match="rows of split dev; declared are train, test"):
        ingest(lake, datasets.load(str(file)), folder)
