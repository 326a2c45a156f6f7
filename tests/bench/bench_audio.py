"""Normalising a sound file against the ffmpeg-python call, over the kinds the datasets ship.

Ours is `encode`: decode, mono, 44.1 kHz, FLAC 5, sha256. The yardstick is one ffmpeg process a file
that writes FLAC, and the sha256 of it. `python tests/bench/bench_audio.py OUT.json` compares
processor seconds, children included; `--clips DIR` (or PENGI_BENCH_CLIPS) takes real .ogg files.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import ffmpeg
import imageio_ffmpeg

from audio_kinds import KINDS
from flows.steps.encode import Fault, encode

FILES = 5  # of each kind
ROUNDS = 5
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


def cases() -> Iterator[tuple[str, object, object]]:
    """For run.py: the first file of every kind against the first ffmpeg."""
    label, program = next(iter(programs().items()))
    with tempfile.TemporaryDirectory() as name:
        yardstick = by_ffmpeg(program, Path(name))
        for kind, (path,) in corpus(Path(name), files=1).items():
            yield (
                f"normalise {kind} / {label}",
                lambda path=path: ours(path),
                lambda path=path: yardstick(path),
            )


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
        for _ in range(ROUNDS + 1):
            for label in chance.sample(list(methods), len(methods)):
                began = _processor()
                methods[label](path)
                times[label].append(_processor() - began)
        for label, each in times.items():
            spent[label] += statistics.median(each[1:])  # the first warms up
    return spent


def _processor() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=Path, default=os.environ.get("PENGI_BENCH_CLIPS"))
    given = parser.parse_args()
    found = figures(given.clips)
    labels = list(programs())
    for kind, line in found.items():
        ratios = "  ".join(f"{label} {line[label]:5.1f}x" for label in labels)
        print(f"{kind:30} {line['ours_ms']:6.1f} ms  {ratios}")
    medians = {name: statistics.median(line[name] for line in found.values()) for name in labels}
    print("median", medians)
    given.out.write_text(json.dumps({"kinds": found, "medians": medians}, indent=1) + "\n")
    first = labels[0]
    if medians[first] < MEDIAN or min(line[first] for line in found.values()) < LEAST:
        sys.exit(f"slower than meant: {MEDIAN} x the {first} in the median, {LEAST} x of each kind")


if __name__ == "__main__":
    main()
