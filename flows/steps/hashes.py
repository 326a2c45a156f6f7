"""What a file hashed to when it was last looked at, so that a release does not hash all again."""

import json
from collections.abc import Iterable
from pathlib import Path

from flows.steps.lake import Lake, sha256_file, sha256_text, write_json
from schemas import File

_Seen = list[int | str]  # size, mtime and ctime in ns, inode, sha256


def hashed(lake: Lake, dataset: str, paths: Iterable[Path]) -> list[File]:
    """Size and sha256 of files of one dataset.

    A file is read only when its size, times or inode are not what they were. That is no proof that
    its bytes are the same (a disk errs without touching them): `verify` always reads.
    """
    before = remembered(lake, dataset)
    seen: dict[str, _Seen] = {}
    for path in paths:
        name, facts = lake.relative(path), path.stat()
        stamp = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
        known = before.get(name)
        digest = known[4] if known and known[:4] == stamp else sha256_file(path)
        seen[name] = [*stamp, digest]
    if not seen.items() <= before.items():
        known = before | seen
        write_json(lake.hashes(dataset), {"files": known, "sha256": _digest(known)})
    return [
        File(path=name, bytes=int(facts[0]), sha256=str(facts[4])) for name, facts in seen.items()
    ]


def remembered(lake: Lake, dataset: str) -> dict[str, _Seen]:
    """Path -> size, mtime and ctime in ns, inode and sha256 of its files when last hashed."""
    try:
        kept = json.loads(lake.hashes(dataset).read_text())
        return kept["files"] if kept["sha256"] == _digest(kept["files"]) else {}
    except (FileNotFoundError, ValueError, LookupError, TypeError):  # damaged: it is made again
        return {}


def _digest(files: dict[str, _Seen]) -> str:
    return sha256_text(json.dumps(files, sort_keys=True))
