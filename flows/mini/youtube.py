"""Segments of videos in small: ids as YouTube gives them, sounds as its downloads come."""

import io
from collections.abc import Sequence

import av
import numpy as np
from av.audio.stream import AudioStream

from flows.mini import sounds
from flows.mini.pack import Content
from flows.mini.sounds import Samples
from flows.mini.vocabulary import Clip, Kind
from schemas.youtube import Segment

_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_FIRST = "-_Y"  # signs that mislead: an option, a separator, the prefix of many copies
_LENGTH = 10.0  # seconds of a segment as the lists have it; the sound is shorter
_QUICK = {"aac": {"aac_coder": "fast"}, "libopus": {"compression_level": "0"}}
_UNAVAILABLE = b"\0\0\0\x18ftypM4A " + bytes(200)  # a file that ends where its sound would begin


def segment(*names: object) -> Segment:
    """A segment of a video, both made up from the names."""
    rng = sounds.seeded("video", *names)
    video = "".join(_SIGNS[i] for i in rng.integers(len(_SIGNS), size=11))
    if rng.random() < 0.2:
        video = _FIRST[int(rng.integers(len(_FIRST)))] + video[1:]
    start = float(rng.choice((0, 10, 30, 30, 30, 70, 130, 217)))
    return Segment(video, start, start + _LENGTH)


def clips(split: str, kinds: Sequence[Kind], pairs: float = 0.0) -> list[Clip]:
    """One clip a kind, named by its segment; a share `pairs` has another group's kind beside it."""
    made: list[Clip] = []
    for number, kind in enumerate(kinds):
        rng = sounds.seeded("youtube", split, number)
        others = [other for other in kinds if other.group != kind.group]
        also = (others[int(rng.integers(len(others)))],) if rng.random() < pairs else ()
        length = round(float(rng.uniform(1.5, 2.0)), 1)
        made.append(Clip("youtube", segment(split, number).key, split, (kind, *also), length))
    return made


def remotes(made: Sequence[Clip], unavailable: Sequence[str]) -> dict[str, Content]:
    """What fetching gives by Remote name: m4a, webm and wav by turns, and files without sound."""
    broken: dict[str, Content] = {_remote(key): _UNAVAILABLE for key in unavailable}
    return {_remote(clip.name): lambda clip=clip: _download(clip) for clip in made} | broken


def of(clip: Clip) -> Segment:
    """The segment a clip is named by."""
    video, start, end = clip.name[:11], *clip.name[12:].split("_")
    return Segment(video, float(start), float(end))


def _remote(key: str) -> str:
    return f"clips/{key}.m4a"


def _download(clip: Clip) -> bytes:
    match int(sounds.seeded("container", clip.name).integers(3)):
        case 0:
            return _encoded(clip.samples(), "mp4", "aac", 44_100)
        case 1:
            return _encoded(clip.samples(), "webm", "libopus", 48_000)
        case _:
            return clip.wav()


def _encoded(samples: Samples, container: str, codec: str, rate: int) -> bytes:
    """A stereo file, bit-exact (no times, no versions)."""
    mono = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    out = io.BytesIO()
    with av.open(out, "w", format=container, options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream(codec, rate=rate, layout="stereo", options=_QUICK[codec])
        assert isinstance(stream, AudioStream)
        stream.codec_context.thread_count = 1
        pair = np.stack([mono, mono], 1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pair, "s16", "stereo")
        frame.sample_rate = sounds.RATE
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()
