"""What a lake holds, as an auditor asks for it: releases, runs, archives, clips."""

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from pydantic import ValidationError

from flows.steps.checks import sql
from flows.steps.id_index import find_row, opened, rows_at
from flows.steps.lake import Lake
from schemas import Part, Release, Run

Line = dict[str, Any]
_REMOTE = "remote"  # of CLIPS.archive: a sound fetched by itself


class Known:
    """The manifests of a lake, read once; `damaged` names those that cannot be read."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.damaged: list[str] = []

    @cached_property
    def releases(self) -> list[Release]:
        paths = (self.lake.release(name) for name in self.lake.releases())
        return [found for path in paths if (found := self._read(Release, path))]

    @cached_property
    def runs(self) -> list[Run]:
        paths = (self.lake.run(name) / "run.json" for name in self.lake.runs())
        return [found for path in paths if (found := self._read(Run, path))]

    def _read(self, kind: Any, path: Path) -> Any:
        try:
            return kind.model_validate_json(path.read_text())
        except (ValidationError, UnicodeDecodeError, OSError) as fault:
            what = str(fault).splitlines()[0]
            self.damaged.append(f"{self.lake.relative(path)} cannot be read: {what}")
            return None

    def release(self, release_id: str) -> Release | None:
        wanted = self.lake.head() if release_id == "HEAD" else release_id
        return next((found for found in self.releases if found.release_id == wanted), None)

    def run(self, run_id: str) -> Run | None:
        return next((found for found in self.runs if found.run_id == run_id), None)

    def parts_with(self, pairs: Path) -> list[tuple[Release, Part]]:
        """Releases that a pairs file is in, and the part of it."""
        name = self.lake.relative(pairs)
        return [(r, part) for r in self.releases for part in r.parts if part.pairs.path == name]

    def runs_on(self, release_id: str) -> list[Run]:
        return [run for run in self.runs if run.release_id == release_id]

    def archives(self, dataset: str) -> list[Line]:
        """The fetch ledger of a dataset (FETCHES); empty where nothing was fetched."""
        path = self.lake.fetches(dataset)
        return pq.read_table(path, use_threads=False).to_pylist() if path.is_file() else []

    def remotes(self, dataset: str) -> int:
        """Sounds of a dataset that were fetched one by one."""
        path = self.lake.remotes(dataset)
        return pq.read_metadata(path).num_rows if path.is_file() else 0

    def clip(self, clip_id: str, dataset: str = "*") -> Line | None:
        """CLIPS of one clip: its newest decoding."""
        found = find_row(self.lake, self.clips_files(dataset), clip_id, "clip_id")
        return rows_at(found[0], [found[1]])[0] if found else None

    def of_origin(self, origin: str) -> list[str]:
        """Ids of the clips that came from an origin such as freesound:100032."""
        files = [str(path) for path in self.clips_files()]
        with duckdb.connect() as con:
            con.execute("set variable origin = ?", [origin])
            con.execute("set variable files = ?", [files])
            return (
                [line[0] for line in con.execute(sql("results/of_origin")).fetchall()]
                if files
                else []
            )

    def clips_files(self, dataset: str = "*") -> list[Path]:
        paths = (self.lake.root / "audio").glob(f"{dataset}/*/clips.parquet")
        return sorted(paths, key=lambda path: (-path.stat().st_mtime_ns, str(path)))

    def archive_of(self, clip: Line) -> Line:
        """Where the bytes of a clip came from: the line of its ledger, or what the clip says."""
        if clip["archive"] == _REMOTE:
            line = self._remote(clip["dataset"], clip["name"].split("#t=")[0])
        else:
            ledger = self.archives(clip["dataset"])
            same = (line for line in ledger if line["sha256"] == clip["archive_sha256"])
            line = next(same, None)
        unknown = {"archive": clip["archive"], "sha256": clip["archive_sha256"], "url": None}
        return unknown | (line or {"note": "the ledger has another file by now"})

    def _remote(self, dataset: str, name: str) -> Line | None:
        path = self.lake.remotes(dataset)
        if not path.is_file():
            return None
        wanted = [("name", "=", name)]
        lines = pq.read_table(path, filters=wanted, use_threads=False).to_pylist()
        return lines[0] | {"archive": name} if lines else None

    def scores(self, run_id: str) -> list[Line]:
        return self._tables(self.lake.run(run_id) / "scores")

    def _tables(self, folder: Path) -> list[Line]:
        paths: Iterable[Path] = sorted(folder.glob("*.parquet"))
        return [line for path in paths for line in opened(path).read(use_threads=False).to_pylist()]


def steps_that_ran(lake: Lake, run_id: str) -> int:
    """Steps whose effect is in the run's checkpoint."""
    path = lake.run(run_id) / "steps.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    return max((json.loads(line)["stop"] for line in lines if line.endswith("\n")), default=0)
