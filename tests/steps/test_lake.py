"""The lake: nothing half-written takes a final name, HEAD moves only from where it was seen."""

import hashlib
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from flows.steps.lake import Lake, LakeError, sha256_file, write_table, written


def test_a_directory_that_is_no_lake_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="not a lake"):
        Lake.open(tmp_path)
    with pytest.raises(LakeError, match="no such directory"):
        Lake.open(tmp_path / "absent")


def test_a_folder_with_other_files_does_not_become_a_lake(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(LakeError, match="not empty"):
        Lake.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    path.write_text("good")
    with pytest.raises(OSError, match="disk is full"), written(path) as part:
        part.write_text("half")
        raise OSError("disk is full")
    assert path.read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    table = pa.table({"pair_id": ["b", "a"], "n": [1, 2]})
    one, two = write_table(tmp_path / "1", table), write_table(tmp_path / "2", table)
    assert one.read_bytes() == two.read_bytes()
    assert sha256_file(one) == hashlib.sha256(one.read_bytes()).hexdigest()


def test_head_moves_only_from_what_was_seen(lake: Lake) -> None:
    lake.move_head(None, "first")
    with pytest.raises(LakeError, match="HEAD is first, expected None"):
        lake.move_head(None, "second")
    lake.move_head("first", "second")
    assert lake.head() == "second"


def test_of_many_writers_that_saw_one_head_exactly_one_wins(lake: Lake) -> None:
    won: list[str] = []

    def move(name: str) -> None:
        try:
            lake.move_head(None, name)
        except LakeError:
            return
        won.append(name)

    writers = [threading.Thread(target=move, args=(f"release{n}",)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert won == [lake.head()]
