"""METEOR 1.5 (Denkowski and Lavie 2014) by the jar that pycocoevalcap carries.

The jar aligns words; its sums per clip are what it scores. Loading its paraphrases takes seconds,
so one Java process serves all captions of this process, and ends with it.
"""

import subprocess
import threading
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import numpy as np

from flows.steps.metrics import Floats, Statistic

_LIMIT = 300.0  # s for the process to start, and on top for every clip
_EACH = 0.2  # s
_FIELDS = 23  # lengths, function words, matches of four modules, chunks, matched words
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75  # English, task "rank"
_MODULES = np.array([1.0, 0.6, 0.8, 0.6])  # exact, stem, synonym, paraphrase


class JavaError(Exception):
    """Why a metric that is a Java program has no value here."""


def java() -> str:
    """The Java program; JavaError without one."""
    if (found := which("java")) is None:
        raise JavaError("no Java here; install a Java runtime, version 8 or later")
    return found


def package(name: str) -> Path:
    """Folder `name` of pycocoevalcap; JavaError where that is not installed."""
    spec = find_spec("pycocoevalcap")
    if spec is None or not spec.submodule_search_locations:
        raise JavaError("pycocoevalcap is not installed; install the extra `captions`")
    return Path(next(iter(spec.submodule_search_locations))) / name


def meteor(said: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> Floats:
    """What METEOR counts of one tokenised caption a clip and its best reference: (clips, 23).

    JavaError without Java or pycocoevalcap, or when the process fails or takes too long.
    """
    lines = [
        " ||| ".join(["SCORE", *(_line(r) for r in group), _line(words)])
        for words, group in zip(said, references, strict=True)
    ]
    return _process(java(), package("meteor") / "meteor-1.5.jar").counts(lines)


def statistic(counts: Floats) -> Statistic:
    """Corpus METEOR of what `meteor` gives; a perfect clip has no chunks to be fined for."""
    sums = counts.copy()
    whole = (counts[:, 21] == counts[:, 0]) & (counts[:, 22] == counts[:, 1])
    sums[whole & (counts[:, 20] == 1), 20] = 0.0
    return Statistic(sums, _score)


def _score(sums: Floats) -> Floats:
    matches = sums[:, 4:20].reshape(-1, 4, 4)  # content said and heard, function said and heard
    found: list[Floats] = []
    for side in (0, 1):
        function = sums[:, 2 + side]
        words = _DELTA * (sums[:, side] - function) + (1 - _DELTA) * function
        matched = _DELTA * matches[:, :, side] + (1 - _DELTA) * matches[:, :, 2 + side]
        found.append(matched @ _MODULES / np.where(words > 0, words, 1.0))
    precision, recall = found
    mixed = _ALPHA * precision + (1 - _ALPHA) * recall
    mean = precision * recall / np.where(mixed > 0, mixed, 1.0)
    pieces = sums[:, 20] / np.maximum((sums[:, 21] + sums[:, 22]) / 2, 1e-9)
    return mean * (1 - _GAMMA * pieces**_BETA)


def _line(words: Sequence[str]) -> str:
    return " ".join(words).replace("|||", "")


class _Meteor:
    """One running jar: a line in, a line out."""

    def __init__(self, program: str, jar: Path) -> None:
        command = [program, "-Xmx2G", "-XX:+UseSerialGC", "-jar", str(jar)]
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [*command, "-", "-", "-stdio", "-l", "en", "-norm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def counts(self, lines: Sequence[str]) -> Floats:
        assert self._process.stdin and self._process.stdout
        found = np.zeros((len(lines), _FIELDS))
        with self._lock:
            watch = threading.Timer(_LIMIT + _EACH * len(lines), self._process.kill)
            watch.daemon = True
            watch.start()
            try:
                for place, line in enumerate(lines):
                    print(line, file=self._process.stdin, flush=True)
                    found[place] = [float(x) for x in self._process.stdout.readline().split()]
            except (OSError, ValueError) as error:
                self._process.kill()
                self._process.wait()
                _process.cache_clear()
                raise JavaError(
                    f"METEOR's Java process ended or took longer than {_LIMIT:g} s ({error})"
                ) from error
            finally:
                watch.cancel()
        return found


@cache
def _process(program: str, jar: Path) -> _Meteor:
    return _Meteor(program, jar)
