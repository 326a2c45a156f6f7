"""Rows at scale and under bad readers: nothing is lost, nothing half-written stays."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import publisher
from flows.steps.archives import ArchiveError, RawTree
from flows.steps.lake import ROW_GROUP, Lake
from flows.steps.rows import RowsError, make_rows
from schemas import Malformed, Row
from schemas.tables import REJECTED, ROWS

DATASET = publisher.dataset(splits=("train", "test"))
Reader = Callable[[Any], Iterator[Row | Malformed]]


def row(n: int, **facts: Any) -> Row:
    return Row(**({"row_id": f"list.csv:{n}", "clip": f"{n}.wav", "split": "train"} | facts))


def made(lake: Lake, reader: Reader, dataset=DATASET) -> tuple[pa.Table, pa.Table]:
    version = make_rows(lake, dataset, reader, RawTree([]), ("archive", "file"))
    return (
        pq.read_table(lake.rows("d", version)),
        pq.read_table(lake.rejected("d", "rows", version)),
    )


def left(lake: Lake) -> list[Path]:
    return [path for path in lake.root.rglob("*") if path.is_file() and path.name != "lake.json"]


FULL = row(
    7,
    caption="a",
    question="b",
    answer="c",
    events=("d", "e"),
    scene="f",
    emotion="g",
    sentiment="h",
    language="i",
    genre="j",
    tags=(),
    instrument="k",
    pitch=1,
    velocity=2,
    qualities=("l",),
    metadata="m",
    licence="CC0-1.0",
    attribution="n",
    origin_ids=("freesound:1",),
)


def test_every_fact_arrives_in_its_column_and_order_is_the_readers(lake: Lake) -> None:
    bad = Malformed(row_id="list.csv:9", reason="no_clip")
    table, rejected = made(lake, lambda raw: iter([row(8), FULL, bad, row(1, events=())]))
    assert (table.schema, rejected.schema) == (ROWS, REJECTED)
    assert table["row_id"].to_pylist() == ["list.csv:8", "list.csv:7", "list.csv:1"]
    empty, full, none = table.to_pylist()
    assert full == {"dataset": "d", **FULL.model_dump()} | {
        "events": ["d", "e"],
        "tags": [],
        "qualities": ["l"],
        "origin_ids": ["freesound:1"],
    }
    assert {name for name, value in empty.items() if value is not None} == {
        *("dataset", "row_id", "clip", "split", "origin_ids")
    }
    assert (empty["origin_ids"], empty["events"], none["events"]) == ([], None, [])
    (line,) = rejected.to_pylist()
    assert (line["subject"], line["reason"], line["detail"]) == (
        *("list.csv:9", "malformed_row"),
        "no_clip",
    )


def test_the_same_rows_give_the_same_bytes_in_few_row_groups(lake: Lake, tmp_path: Path) -> None:
    def reader(raw: Any) -> Iterator[Row]:
        return (row(n, caption=f"dog {n % 7}") for n in range(ROW_GROUP + 1000))

    files: set[bytes] = set()
    for place in (lake, Lake.create(tmp_path / "elsewhere")):
        made(place, reader)
        (path,) = (place.root / "rows").rglob("*.parquet")
        files.add(path.read_bytes())
    assert len(files) == 1
    facts = pq.read_metadata(path)
    assert [facts.row_group(i).num_rows for i in range(facts.num_row_groups)] == [ROW_GROUP, 1000]


def test_a_finished_version_is_not_read_again(lake: Lake) -> None:
    made(lake, lambda raw: iter([row(1)]))
    assert made(lake, lambda raw: pytest.fail("read again"))[0].num_rows == 1


def test_memory_does_not_grow_with_the_rows(lake: Lake, tmp_path: Path) -> None:
    def most(place: Lake, rows: int) -> int:
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        seen: list[int] = []

        def reader(raw: Any) -> Iterator[Row]:
            for n in range(rows):
                if n % 10_000 == 0:
                    held = tracemalloc.get_traced_memory()[0]
                    seen.append(held + pa.total_allocated_bytes() - before)
                yield row(n, caption="a dog barks " * 10 + str(n))

        make_rows(place, DATASET, reader, RawTree([]), ())
        tracemalloc.stop()
        return max(seen)

    few, many = most(lake, ROW_GROUP), most(Lake.create(tmp_path / "many"), 3 * ROW_GROUP)
    assert many < 1.5 * few


def raising(fault: Exception) -> Reader:
    def reader(raw: Any) -> Iterator[Row]:
        yield from (row(n) for n in range(1500))
        raise fault

    return reader


@pytest.mark.parametrize(
    "fault", [KeyError("file"), ValueError("no number"), TypeError("None"), OSError("gone")]
)
def test_a_reader_that_fails_is_named_and_leaves_nothing(lake: Lake, fault: Exception) -> None:
    with pytest.raises(RowsError, match=rf"flows/datasets/d\.py expects: {type(fault).__name__}"):
        made(lake, raising(fault))
    assert left(lake) == []


def test_what_the_archives_raise_passes_through_unchanged(lake: Lake) -> None:
    fault = ArchiveError("x.zip cannot be read")
    with pytest.raises(ArchiveError) as caught:
        made(lake, raising(fault))
    assert caught.value is fault
    assert left(lake) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "no annotation was found"),
        ([Malformed(row_id="a", reason="b")], "no annotation was found"),
        ([row(1), row(2), row(1)], r"a row id occurs twice.*row_id list\.csv:1, n 2"),
        ([row(1), row(2, split="dev")], "rows of split dev; declared are train, test"),
        ([row(1), {"row_id": "list.csv:2"}], "gave a dict, expected Row or Malformed.*csv:2"),
        ([None], "gave a NoneType"),
    ],
)
def test_rows_that_are_refused(lake: Lake, lines: list[Any], message: str) -> None:
    with pytest.raises(RowsError, match=message):
        made(lake, lambda raw: iter(lines))
    assert left(lake) == []


def test_a_row_id_that_comes_again_much_later_is_found(lake: Lake) -> None:
    def reader(raw: Any) -> Iterator[Row]:
        yield from (row(n) for n in range(3000))
        yield row(2)

    with pytest.raises(RowsError, match=r"list\.csv:2, n 2"):
        made(lake, reader)


@pytest.mark.parametrize("fact", [{"caption": "a\ud800b"}, {"events": ("\udc80",)}])
def test_text_that_is_no_unicode_never_becomes_a_row(lake: Lake, fact: dict[str, Any]) -> None:
    with pytest.raises(RowsError, match=f"a row's {next(iter(fact))} is no text"):
        made(lake, lambda raw: iter([row(1), row(2, **fact)]))
    assert left(lake) == []
