"""Normalising a sound file against the ffmpeg-python call, over the kinds the datasets ship.

Ours is `encode`: decode, mono, 44.1 kHz, FLAC 5, sha256. The yardstick is one ffmpeg process a file
that writes FLAC, and the sha256 of it. PENGI_BENCH_CLIPS=DIR takes real .ogg files as well.
"""

import hashlib
import os
import random
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import ffmpeg
import imageio_ffmpeg

from audio_kinds import KINDS
from contest import ROUNDS, Result, processor_seconds, scaled
from flows.steps.encode import Fault, encode

FILES = scaled(5)  # of each kind
_ROUNDS = ROUNDS or 5
MEDIAN, LEAST = 4.0, 2.5  # times less processor time than ffmpeg-python: over the kinds, of each

Normalise = Callable[[Path], object]


def ours(path: Path) -> object:
    (outcome,) = encode(path.read_bytes(), path.name)
    assert not isinstance(outcome, Fault), (path, outcome)
    return outcome


def by_ffmpeg(program: str, folder: Path) -> Normalise:
    """One process of `program` a file, called as ffmpeg-python's page shows."""

    def normalise(path: Path) -> object:
        out = folder / "out.flac"
        made = ffmpeg.input(str(path)).output(str(out), ac=1, ar=44_100)
        made.run(cmd=program, quiet=True, overwrite_output=True)
        return hashlib.sha256(out.read_bytes()).hexdigest()

    return normalise


def programs() -> dict[str, str]:
    """ffmpeg binaries that are here: the system's and the static one."""
    found = {"static ffmpeg": imageio_ffmpeg.get_ffmpeg_exe()}
    system = shutil.which("ffmpeg")
    return {"system ffmpeg": system} | found if system else found


def corpus(folder: Path, clips: Path | None = None, files: int = FILES) -> dict[str, list[Path]]:
    """Files of every kind, written to `folder`; real .ogg clips where `clips` has them."""
    made: dict[str, list[Path]] = {}
    for number, (name, kind) in enumerate(KINDS.items()):
        made[name] = [folder / f"{number:02d}-{n}{kind.suffix}" for n in range(files)]
        for n, path in enumerate(made[name]):
            path.write_bytes(kind.file(n))
    real = sorted(clips.rglob("*.ogg")) if clips else []
    if real:
        made["esc10 ogg 44.1 kHz"] = real[:: max(1, len(real) // files)][:files]
    return made


def benches() -> Iterator[Result]:
    """Every kind against the first ffmpeg, and the median of the kinds."""
    label = next(iter(programs()))
    how = f"theirs: one process of the {label} a file, called by ffmpeg-python; a file's median"
    ratios: list[float] = []
    for kind, line in figures(_given()).items():
        ours = line["ours_ms"] / 1000
        ratios.append(line[label])
        name = f"normalise a file: {kind}"
        yield Result(name, ours, ours * line[label], how, at_least=LEAST)
    median = statistics.median(ratios)
    name = f"normalise: median of {len(ratios)} kinds"
    yield Result(name, 1.0, median, how, unit="times ours", at_least=MEDIAN)


def _given() -> Path | None:
    clips = os.environ.get("PENGI_BENCH_CLIPS")
    return Path(clips) if clips else None


def figures(clips: Path | None = None) -> dict[str, dict[str, float]]:
    """Of every kind: CPU ms a file of ours, and how many times that every ffmpeg takes."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        methods: dict[str, Normalise] = {"ours": ours}
        methods |= {label: by_ffmpeg(at, Path(name)) for label, at in programs().items()}
        for kind, paths in corpus(Path(name), clips).items():
            times = _interleaved(methods, paths)
            least = times.pop("ours")
            found[kind] = {"ours_ms": 1000 * least / len(paths)}
            found[kind] |= {label: spent / least for label, spent in times.items()}
    return found


def _interleaved(methods: dict[str, Normalise], paths: list[Path]) -> dict[str, float]:
    """CPU seconds of each method for all paths: medians of every file; who goes first is chance."""
    chance = random.Random(0)
    spent = dict.fromkeys(methods, 0.0)
    for path in paths:
        times: dict[str, list[float]] = {label: [] for label in methods}
        for _ in range(_ROUNDS + 1):
            for label in chance.sample(list(methods), len(methods)):
                times[label].append(processor_seconds(partial(methods[label], path)))
        for label, each in times.items():
            spent[label] += statistics.median(each[1:])  # the first warms up
    return spent
