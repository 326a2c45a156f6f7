"""A clip as a page can carry it: a few seconds of MP3 and a spectrogram, both as data: addresses.

MP3 (mono, 22.05 kHz, variable rate) is what every browser plays; a spectrogram is an indexed PNG of
16 shades over a logarithmic frequency axis.
"""

import base64
import io
import struct
import zlib
from typing import Any, NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from flows.steps.lake import Lake
from flows.steps.waves import read_clip

_CLIP_RATE = 44_100  # Hz, of the lake's shards
_RATE = 22_050  # Hz
_SECONDS = 5.0  # at most; the model hears 7 s
_QUALITY = 0.8  # of MP3's variable rate, 0 the best, 1 the smallest
_WINDOW, _BANDS, _COLUMNS = 1024, 56, 220  # samples; height and width of the picture
_LOWEST = 60.0  # Hz
_RANGE = 70.0  # dB below the loudest band
_STOPS = ((14, 22, 26), (16, 78, 88), (58, 160, 150), (233, 206, 140), (255, 250, 232))  # RGB

_Floats = NDArray[np.float64]


class Heard(NamedTuple):
    """What a card of the report plays and shows of one clip."""

    audio: str
    picture: str
    seconds: float  # that are played
    length: float  # of the clip
    bytes: int  # of both addresses


def heard(lake: Lake, clip: dict[str, Any]) -> Heard:
    """The first seconds of one line of CLIPS; LakeError when its shard has changed."""
    samples = read_clip(lake, clip)[: int(_SECONDS * _CLIP_RATE)].astype(np.float32) / 32_768
    wave = np.asarray(soxr.resample(samples, _CLIP_RATE, _RATE), np.float64)
    audio = _address("audio/mpeg", _mp3(wave))
    picture = _address("image/png", png(spectrogram(wave)))
    seconds = len(wave) / _RATE
    return Heard(audio, picture, seconds, clip["seconds"], len(audio) + len(picture))


def spectrogram(wave: _Floats) -> NDArray[np.uint8]:
    """Shades 0 to 15 (bands from high to low, columns) of the power in logarithmic bands."""
    padded = np.pad(wave, (_WINDOW // 2, _WINDOW))
    starts = np.linspace(0, max(len(wave) - 1, 0), _COLUMNS).astype(int)
    frames = padded[starts[:, None] + np.arange(_WINDOW)] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames)) ** 2  # (columns, bins)
    edges = np.geomspace(_LOWEST, _RATE / 2, _BANDS + 1) * _WINDOW / _RATE + 0.5  # in bins
    total = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1)], axis=1)
    within = [np.interp(edges, np.arange(total.shape[1]), line) for line in total]
    level = 10 * np.log10(np.diff(within, axis=1) / np.diff(edges) + 1e-9)
    shade = 15 * (1 + (level - max(level.max(), -50.0)) / _RANGE)
    return np.clip(np.round(shade), 0, 15).astype(np.uint8).T[::-1]


def png(shades: NDArray[np.uint8]) -> bytes:
    """An indexed PNG of 4 bits a pixel (W3C PNG, section 11); an even number of columns."""
    height, width = shades.shape
    packed = (shades[:, ::2] << 4) | shades[:, 1::2]
    lines = np.concatenate([np.zeros((height, 1), np.uint8), packed], axis=1)  # filter 0: none
    places = np.linspace(0, 15, len(_STOPS))
    colours = [np.interp(np.arange(16), places, channel) for channel in zip(*_STOPS, strict=True)]
    palette = np.round(colours).astype(np.uint8).T.tobytes()
    header = struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(lines.tobytes(), 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in (*parts, (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _mp3(wave: _Floats) -> bytes:
    out = io.BytesIO()
    soundfile.write(
        out, wave, _RATE, format="MP3", compression_level=_QUALITY, bitrate_mode="VARIABLE"
    )
    return out.getvalue()


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
