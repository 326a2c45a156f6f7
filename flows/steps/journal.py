"""What became of each sound that is fetched by itself: a journal, settled line by line.

One JSON object a line, appended when a sound is settled, so that a run may be killed at any moment;
the ledger (REMOTES) is made of it when all are settled. A later line of a name replaces an earlier.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from schemas import Remote
from schemas.tables import REMOTES

_CHUNK = 50_000  # lines held as Python objects at a time

Line = dict[str, Any]  # of REMOTES


class Journal:
    """The journal at `path`: of each name the last line counts."""

    def __init__(self, path: Path, *, again: bool = False) -> None:
        """`again`: what failed, but is not gone, is to be tried once more."""
        self.path = path
        self._out: IO[bytes] | None = None
        self._last: dict[str, str] = {}  # name -> address of its last line, "" to be tried again
        for line in self.lines():
            self._last[line["name"]] = line["url"] * (not again or line["status"] != "failed")

    def __contains__(self, name: str) -> bool:
        return name in self._last

    def has(self, name: str, address: str) -> bool:
        """Whether the sound from that address needs no further try."""
        return self._last.get(name) == address

    def forget(self, name: str) -> None:
        """Let a sound be fetched again."""
        self._last[name] = ""

    def lines(self) -> Iterator[Line]:
        """All lines, oldest first; one that a kill tore is passed over."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            for text in file:
                line = _read(text)
                if line is not None:
                    yield line

    def add(self, line: Line) -> None:
        """Append one line; it is there even when this process is killed right after."""
        if self._out is None:
            self._mend()
            self._out = self.path.open("ab")
        self._out.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._out.flush()
        self._last[line["name"]] = line["url"]

    def close(self) -> None:
        if self._out is not None:
            self._out.close()

    def table(self, dataset: str, wanted: Mapping[str, str]) -> pa.Table:
        """The last line of each wanted name -> address (REMOTES), sorted by name."""
        lines = (
            {"dataset": dataset} | line
            for line in self.lines()
            if wanted.get(line["name"]) == line["url"]
        )
        chunks = [REMOTES.empty_table()]
        while chunk := list(islice(lines, _CHUNK)):
            chunks.append(pa.Table.from_pylist(chunk, REMOTES))
        table = pa.concat_tables(chunks)
        table = table.append_column("at", pa.array(range(table.num_rows), pa.int64()))
        last = table.group_by("name").aggregate([("at", "max")])["at_max"]
        return table.take(last).drop_columns("at").sort_by("name")

    def _mend(self) -> None:
        """Cut off the line that a kill tore, so that the next one starts on its own."""
        if not self.path.is_file():
            return
        with self.path.open("rb+") as file:
            size = file.seek(0, 2)
            back = min(size, 1 << 16)
            file.seek(size - back)
            tail = file.read()
            if tail and not tail.endswith(b"\n"):
                file.truncate(size - back + tail.rfind(b"\n") + 1)


def _read(text: bytes) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and line.keys() >= {"name", "url", "status"} else None


def address(remote: Remote, *, mirrored: bool) -> str:
    """Where a sound is from, with the seconds of it that are wanted."""
    ends = ("" if second is None else f"{second:g}" for second in (remote.start, remote.end))
    seconds = ",".join(ends)
    piece = "" if seconds == "," else f"#t={seconds}"
    return f"{'mirror:' if mirrored else ''}{remote.url}{piece}"
