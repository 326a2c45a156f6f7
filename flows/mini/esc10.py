"""ESC-10 in small, in the old layout: Ogg Vorbis, fold and Freesound id in the file name."""

import io
from functools import partial

import av
import soundfile

from flows.datasets.esc10 import DATASET, LABELS
from flows.mini import sounds
from flows.mini.esc50 import credit
from flows.mini.pack import Tree
from flows.mini.vocabulary import KINDS, Clip

_FOLDS = range(1, 6)
_TAKES = 6  # clips a class and fold; the publisher has 8
_LENGTH = 2.0  # seconds; the publisher's clips last 5
_BLOCK = 8192  # samples handed to the encoder at a time
_ROOT = DATASET.archives[0].name.removesuffix(".zip") + "/"


def tree() -> Tree:
    """GitHub's zip of the last commit with audio; one file is no Ogg, one is misnamed."""
    clips = _clips()
    members: Tree = {_ROOT + clip.name: partial(_ogg, clip) for clip in clips}
    members[f"{_ROOT}002 - Rain/2-999999-A.ogg"] = b"<html>404: Not Found</html>"
    members[f"{_ROOT}002 - Rain/copy of rain.ogg"] = partial(_ogg, clips[6])
    readme = "# ESC-10, synthesised in small\n\n" + "".join(map(credit, clips))
    return {DATASET.archives[0].name: {f"{_ROOT}README.txt": readme.encode(), **members}}


def expected_clips() -> dict[str, int]:
    """Well-named clips; one of fold 2 is no sound."""
    return {f"fold{fold}": len(LABELS) * _TAKES + (fold == 2) for fold in _FOLDS}


def _clips() -> list[Clip]:
    by_label = {kind.esc10.lower(): kind for kind in KINDS if kind.esc10}
    clips: list[Clip] = []
    for number, label in enumerate(LABELS, start=1):
        kind = by_label[label]
        for fold in _FOLDS:
            for take in range(_TAKES):
                sound = 1000 * number + 100 * fold + take // 2
                name = f"{number:03d} - {kind.esc10}/{fold}-{sound}-{'AB'[take % 2]}.ogg"
                clips.append(Clip("esc10", name, f"fold{fold}", (kind,), _LENGTH))
    return clips


def _ogg(clip: Clip) -> bytes:
    out = io.BytesIO()
    samples = clip.samples()
    with soundfile.SoundFile(out, "w", sounds.RATE, 1, "VORBIS", format="OGG") as file:
        for first in range(0, len(samples), _BLOCK):  # one long block overflows its stack
            file.write(samples[first : first + _BLOCK])
    return _renumbered(out.getvalue())


def _renumbered(ogg: bytes) -> bytes:
    """The same packets in pages without libsndfile's random serial number."""
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(ogg), "r") as given,
        av.open(out, "w", format="ogg", options={"fflags": "+bitexact"}) as kept,
    ):
        stream = kept.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux():
            if packet.dts is not None:  # the last, empty one flushes
                packet.stream = stream
                kept.mux(packet)
    return out.getvalue()
