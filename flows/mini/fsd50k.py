"""FSD50K in small: clips of one or two kinds with their labels, in the publisher's five zips.

The audio zips are split into parts (.z01 and on), as the publisher's are, but into fewer.
"""

import json
from zlib import crc32

from flows.mini import sounds
from flows.mini.clotho_v2 import table
from flows.mini.pack import Split, Tree
from flows.mini.vocabulary import Clip, clips

_COUNTS = {"train": 200, "val": 20, "eval": 100}
_LICENCES = ("publicdomain/zero/1.0/", "licenses/by/3.0/", "licenses/sampling+/1.0/")


def tree() -> Tree:
    """The archives of Zenodo record 4060432."""
    dev = split_clips("train") + split_clips("val")
    evaluation = split_clips("eval")
    faulty = evaluation[0]._replace(name="499999")
    return {
        "FSD50K.dev_audio.zip": Split(
            _audio("dev", dev) | {"FSD50K.dev_audio/500001.wav": dev[0].wav}, parts=3
        ),
        "FSD50K.eval_audio.zip": Split(
            _audio("eval", evaluation) | {"FSD50K.eval_audio/499999.wav": faulty.wav()[:20]},
            parts=2,
        ),
        "FSD50K.ground_truth.zip": {
            "FSD50K.ground_truth/dev.csv": _labels(dev, split=True),
            "FSD50K.ground_truth/eval.csv": _labels([*evaluation, faulty], split=False),
        },
        "FSD50K.metadata.zip": {
            "FSD50K.metadata/dev_clips_info_FSD50K.json": _info(dev),
            "FSD50K.metadata/eval_clips_info_FSD50K.json": _info(evaluation),
        },
        "FSD50K.doc.zip": {"FSD50K.doc/README.md": b"# FSD50K, synthesised in small\n"},
    }


def expected_clips() -> dict[str, int]:
    """Clips named by the ground truth: one of train's is missing, one of eval's is broken."""
    return {"train": _COUNTS["train"] + 1, "val": _COUNTS["val"], "eval": _COUNTS["eval"] + 1}


def split_clips(split: str) -> list[Clip]:
    """The good clips of a split; a name is a Freesound id, and WavCaps has some of them too."""
    first = {"train": 10_000, "val": 20_000, "eval": 30_000}[split]
    names = [str(first + 7 * number) for number in range(_COUNTS[split])]
    return clips("fsd50k", split, names, 0.35, 1.0, 2.5)


def _audio(part: str, made: list[Clip]) -> Tree:
    return {f"FSD50K.{part}_audio/{clip.name}.wav": clip.wav for clip in made}


def _labels(made: list[Clip], split: bool) -> bytes:
    lines: list[list[str]] = []
    for clip in made:
        events = sorted({event for kind in clip.kinds for event in kind.events.split(",")})
        sounds.seeded("labels", clip.name).shuffle(events)  # the order says nothing
        mids = [f"/m/{crc32(event.encode()):08x}" for event in events]
        lines.append([clip.name, ",".join(events), ",".join(mids), clip.split][: 3 + split])
    if split:
        lines.append(["500000", "Rain,Water", "/m/06mb1,/m/0838f", "train"])  # no such clip
        lines.append(["500002", "", "", "train"])
    return table(["fname", "labels", "mids", "split"][: 3 + split], lines)


def _info(made: list[Clip]) -> bytes:
    return json.dumps(
        {
            clip.name: {
                "title": f"{clip.kinds[0].noun} {clip.name}.wav",
                "description": "synthesised",
                "tags": [kind.noun for kind in clip.kinds],
                "license": f"http://creativecommons.org/{_LICENCES[number % len(_LICENCES)]}",
                "uploader": "mini",
            }
            for number, clip in enumerate(made)
        }
    ).encode()
