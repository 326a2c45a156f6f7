"""Sounds in the formats of web sites and publishers, at their rates, with the same bytes always."""

import io

import numpy as np
import soundfile
import soxr

from flows.mini import sounds
from flows.mini.sounds import Samples

_CODES = {  # format -> libsndfile's names of container and encoding
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "ULAW"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "wav8": ("WAV", "PCM_U8"),
    "wav24": ("WAV", "PCM_24"),
}


def encoded(samples: Samples, kind: str, rate: int = sounds.RATE, channels: int = 1) -> bytes:
    """`samples` (at 44.1 kHz) as one file; `kind` is a file extension, "wav8" or "wav24"."""
    moved = samples if rate == sounds.RATE else soxr.resample(samples, sounds.RATE, rate)
    frames = np.repeat(np.clip(moved, -1, 1)[:, None], channels, axis=1)
    container, encoding = _CODES[kind]
    out = io.BytesIO()
    soundfile.write(out, frames, rate, encoding, format=container)
    return out.getvalue()
