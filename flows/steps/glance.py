"""Whether a release is still what it was, as far as a look without reading it all can tell."""

from pathlib import Path
from typing import NamedTuple

from flows.steps.hashes import remembered
from flows.steps.lake import Lake, sha256_file
from flows.steps.release import manifest_damages, read_release, resized
from schemas import File, Release

_READ = 16 << 20  # bytes of changed files that a look reads at most, a dataset


class Glance(NamedTuple):
    """damages: what differs, a line each; unread: files whose bytes only `verify` would tell."""

    damages: list[str]
    unread: int

    @property
    def state(self) -> str:
        """One line for people."""
        if self.damages:
            return f"FAILS VERIFICATION: {'; '.join(self.damages)}"
        if self.unread:
            return f"sizes are right; {self.unread} files not read (`pengi release verify` does)"
        return "files are as they were when hashed"


def glance(lake: Lake, release_id: str) -> Glance:
    """Manifest and seal are read; files are looked at, and read where they were touched and small.

    LakeError where there is no such release.
    """
    damages = manifest_damages(lake, release_id)
    if any("cannot be read" in line for line in damages):
        return Glance(damages, 0)
    return _files(lake, read_release(lake, release_id), damages)


def _files(lake: Lake, release: Release, damages: list[str]) -> Glance:
    unread = 0
    for part in release.parts:
        known, budget = remembered(lake, part.dataset), _READ
        for file in (part.rows, part.clips, part.pairs, *part.shards):
            path = lake.root / file.path
            found = resized(lake, file)
            if not found and known.get(file.path) != _stamp(path, file):
                if file.bytes > budget:
                    unread += 1
                    continue
                budget -= file.bytes
                if (digest := sha256_file(path)) != file.sha256:
                    found = [f"{file.path}: sha256 {digest}, expected {file.sha256}"]
            damages += found
    return Glance(damages, unread)


def _stamp(path: Path, file: File) -> list[int | str]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, file.sha256]
