"""Walks over directories with very many files: one `scandir` a folder, one `stat` a file."""

import os
from collections.abc import Iterator
from pathlib import Path


def files(folder: Path) -> Iterator[str]:
    """Names of all files below `folder`, relative to it; links to files count, to folders not."""
    waiting = [(str(folder), "")]
    while waiting:
        place, prefix = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, f"{prefix}{entry.name}/"))
                elif entry.is_file():
                    yield prefix + entry.name


def unchanged(path: Path, size: int | None, since: float) -> bool:
    """Whether a file, or all in a folder, has `size` bytes (None: any) and no change after `since`.

    `since` is in seconds since 1970. What is compared are sizes and the times of files and
    folders, so that this is far cheaper than hashing; bytes that changed in place on a disk that
    fails are found by `refresh` only.
    """
    if not path.exists():
        return False
    if not path.is_dir():
        fact = path.stat()
        return size in (None, fact.st_size) and max(fact.st_mtime, fact.st_ctime) <= since
    total = 0
    waiting = [str(path)]
    while waiting:
        place = waiting.pop()
        fact = os.stat(place)
        if fact.st_mtime > since or fact.st_ctime > since:
            return False
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                regular = entry.is_file()
                fact = entry.stat(follow_symlinks=regular)
                if fact.st_mtime > since or fact.st_ctime > since:
                    return False
                if regular:
                    total += fact.st_size
    return size in (None, total)
