"""Shards: plain tars of FLAC with the facts of their clips beside them, and tables made of many."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.steps.archives import Member
from flows.steps.encode import Encoded
from flows.steps.lake import sha256_text, write_table, written
from flows.steps.mono import SAMPLE_RATE
from flows.steps.wanted import Placed
from schemas.tables import CLIPS, REJECTED

HEADER = 512  # bytes of the ustar header before the FLAC bytes
_GROUP = 1_000  # lines of a row group

Record = dict[str, Any]  # one line of CLIPS or REJECTED


@dataclass(frozen=True)
class Shard:
    """One shard of a dataset: where it lies and the clips it is for, in order."""

    tar: Path
    plan: Placed

    @property
    def clips(self) -> Path:
        """Facts of its clips; written last, so it is there when the shard is done."""
        return self.tar.with_suffix(".parquet")

    @property
    def rejected(self) -> Path:
        return self.tar.with_suffix(".rejected.parquet")


class Filling:
    """A shard being written: takes clips and rejections in their order."""

    def __init__(self, dataset: str, shard: str, tar: tarfile.TarFile) -> None:
        self._dataset, self._shard, self._tar = dataset, shard, tar
        self.clips: list[Record] = []
        self.rejected: list[Record] = []

    def add(self, name: str, member: Member, made: Encoded, facts: Record) -> None:
        """One clip: `member` is what it was decoded from, `facts` what its row says."""
        clip_id = sha256_text(self._dataset, name, made.source_sha256)[:32]
        clip: Record = asdict(made) | {
            "clip_id": clip_id,
            "dataset": self._dataset,
            "name": name,
            "archive": member.archive,
            "archive_sha256": member.archive_sha256,
            "seconds": made.samples / SAMPLE_RATE,
            "shard": self._shard,
            "offset": self._append(clip_id, made.flac),
            "bytes": len(made.flac),
        }
        del clip["flac"]
        self.clips.append(clip | facts)

    def reject(self, name: str, reason: str, detail: str) -> None:
        self.rejected.append(rejection(self._dataset, name, reason, detail))

    def _append(self, clip_id: str, flac: bytes) -> int:
        info = tarfile.TarInfo(f"{clip_id}.flac")  # time 0, nobody's: same clips, same bytes
        info.size = len(flac)
        offset = self._tar.offset + HEADER
        self._tar.addfile(info, io.BytesIO(flac))
        self._tar.members = []  # pyright: ignore[reportAttributeAccessIssue]  # else all stay
        return offset


@contextmanager
def filling(shard: Shard, dataset: str, relative: str) -> Iterator[Filling]:
    """Write one shard; it is done when the block ends without an error."""
    with (
        written(shard.tar) as part,
        tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        made = Filling(dataset, relative, tar)
        yield made
    write_table(shard.rejected, pa.Table.from_pylist(made.rejected, REJECTED))
    write_table(shard.clips, pa.Table.from_pylist(made.clips, CLIPS))


def rejection(dataset: str, name: str, reason: str, detail: str) -> Record:
    """One line of REJECTED for a clip."""
    return {
        "dataset": dataset,
        "stop": "audio",
        "kind": "clip",
        "subject": name,
        "reason": reason,
        "detail": detail,
    }


def tables(paths: Iterable[Path]) -> Iterator[pa.Table]:
    """Parquet files one by one, read without threads and buffers of their own."""
    for path in paths:
        with pq.ParquetFile(path) as file:
            yield file.read(use_threads=False)


def join(path: Path, schema: pa.Schema, parts: Iterable[pa.Table]) -> int:
    """Write many small tables as one Parquet file, few lines in memory; how many there were."""
    count, group = 0, schema.empty_table()
    with written(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for table in parts:
            count += table.num_rows
            group = pa.concat_tables([group, table])
            if group.num_rows >= _GROUP:
                writer.write_table(group, row_group_size=_GROUP)
                group = schema.empty_table()
        writer.write_table(group, row_group_size=_GROUP)
    return count
