"""Tiny films: a picture of one colour and a stereo AAC track in MP4."""

import io

import av
import numpy as np

from flows.mini.sounds import RATE, Samples

_FRAMES = 5  # pictures a second, 32 x 32


def mp4(mono: Samples, number: int) -> bytes:
    """MPEG-4 picture and AAC sound (44.1 kHz), bit-exact: no times, no versions."""
    tones = np.round(mono * 32767).astype(np.int16)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"fflags": "+bitexact"}) as file:
        picture = file.add_stream("mpeg4", rate=_FRAMES, width=32, height=32, pix_fmt="yuv420p")
        sound = file.add_stream("aac", rate=RATE, layout="stereo", options={"aac_coder": "fast"})
        for stream in (picture, sound):
            stream.codec_context.thread_count = 1
        colour = np.full((32, 32, 3), 17 * (number % 15), np.uint8)
        for _ in range(len(mono) * _FRAMES // RATE):
            file.mux(picture.encode(av.VideoFrame.from_ndarray(colour, format="rgb24")))
        frame = av.AudioFrame.from_ndarray(
            np.stack([tones, tones], 1).reshape(1, -1), "s16", "stereo"
        )
        frame.sample_rate = RATE
        file.mux(sound.encode(frame))
        for stream in (picture, sound):
            file.mux(stream.encode(None))
    return out.getvalue()
