"""One sound file in, int16 mono samples at 44.1 kHz out (paper sec. 4.3: 44.1 kHz, mono).

libsndfile + soxr first, since it is fastest on wav, flac, mp3 and ogg; PyAV for what libsndfile
cannot open or is slow at (m4a, mp4, webm, Opus, video); the ffmpeg binary of imageio-ffmpeg last.
"""

import io
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

import av
import av.error
import ffmpeg
import imageio_ffmpeg
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

SAMPLE_RATE = 44_100  # Hz, sec. 4.3
DOWNMIX = "mean"
_LEAST = 1024  # samples: one analysis window, sec. 4.3
_LONGEST = 3600  # s
_RATES = range(1_000, 1_000_000)  # Hz
_TIME_LIMIT = 120.0  # s for one file
_BLOCK = 1 << 18  # frames
_FULL_SCALE = 32_768.0
# what the bindings of the decoders raise on damaged bytes, beside errors of their own
_ODD = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, TypeError, ValueError)

Float = NDArray[np.float32]


class DecodeError(Exception):
    """A file that gives no usable sound. `code` is the same for every file with the same fault."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


class _NotMineError(Exception):
    """This decoder cannot read the file; the next one may."""


@dataclass(frozen=True)
class Decoded:
    """`samples`: (n,) int16 at 44.1 kHz; rate, channels and format are those of the source."""

    samples: NDArray[np.int16]
    rate: int
    channels: int
    format: str
    decoder: str
    downmix: str = DOWNMIX


@dataclass(frozen=True)
class _Source:
    """A file as one decoder read it: `mono` (n,) float32 at the file's own `rate`."""

    mono: Float
    rate: int
    channels: int
    format: str
    decoder: str


def decode(data: bytes, name: str) -> Decoded:
    """Decode the bytes of one file; `DecodeError` when they hold no usable sound."""
    if not data:
        raise DecodeError("empty_file", "0 bytes")
    deadline = time.monotonic() + _TIME_LIMIT
    reasons: list[str] = []
    for reader in (_soundfile, _pyav, _ffmpeg):
        try:
            source = reader(data, name, deadline)
        except (_NotMineError, *_ODD) as reason:
            reasons.append(f"{reader.__name__[1:]}: {reason}")
        else:
            return _finished(source)
    raise DecodeError("undecodable", "; ".join(reasons))


@cache
def identity() -> str:
    """Names and versions of everything that decides what the samples of a file are."""
    names = ("soundfile", "soxr", "av", "imageio-ffmpeg", "numpy")
    versions = [f"{name} {metadata.version(name)}" for name in names]
    libraries = (soundfile.__libsndfile_version__, av.ffmpeg_version_info)
    return ", ".join([*versions, *libraries, f"{DOWNMIX} {SAMPLE_RATE} {_LEAST} {_LONGEST}"])


def _finished(source: _Source) -> Decoded:
    mono, decoder = source.mono, source.decoder
    if not mono.size:
        raise DecodeError("no_samples", f"{source.format} without a sample")
    if not np.isfinite(mono).all():
        raise DecodeError("non_finite", f"{source.format} with samples that are not numbers")
    if source.rate != SAMPLE_RATE:
        mono = soxr.resample(mono, source.rate, SAMPLE_RATE, quality="HQ")
        decoder += f"+soxr {soxr.__version__} HQ"
    if mono.size < _LEAST:
        raise DecodeError(
            "too_short", f"{mono.size} samples at 44.1 kHz, expected {_LEAST} or more"
        )
    scaled = np.rint(mono * np.float32(_FULL_SCALE))
    samples = np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    return Decoded(samples, source.rate, source.channels, source.format, decoder)


def _soundfile(data: bytes, name: str, deadline: float) -> _Source:
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.subtype == "OPUS":
                raise _NotMineError("slow at Opus")
            _sane(file.samplerate, file.channels)
            mono = _joined(_blocks(file), file.samplerate, deadline)
            if file.format == "FLAC" and 0 < mono.size < file.frames < _LONGEST * file.samplerate:
                raise DecodeError("truncated", f"{mono.size} of {file.frames} samples")
            what = f"{file.format}/{file.subtype}"
            return _Source(mono, file.samplerate, file.channels, what, _soundfile_version())
    except soundfile.LibsndfileError as error:
        raise _NotMineError(error.error_string) from error  # str(error) holds an address


def _blocks(file: soundfile.SoundFile) -> Iterator[Float]:
    while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
        yield _mean(np.asarray(block, np.float32).T)


def _pyav(data: bytes, name: str, deadline: float) -> _Source:
    try:
        with av.open(io.BytesIO(data), metadata_errors="replace") as container:
            if not container.streams.audio:
                raise DecodeError("no_audio", f"{container.format.name} without an audio stream")
            stream = container.streams.audio[0]
            rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
            _sane(rate, channels)
            mono = _joined(_frames(container, rate), rate, deadline)
            what = f"{container.format.name.split(',')[0]}/{stream.codec_context.name}"
            return _Source(mono, rate, channels, what, f"pyav {av.__version__}")
    except av.error.FFmpegError as error:
        raise _NotMineError(error.strerror) from error


def _frames(container: Any, rate: int) -> Iterator[Float]:
    for frame in container.decode(audio=0):
        if frame.sample_rate != rate:
            raise DecodeError("changing_rate", f"{rate} Hz, then {frame.sample_rate} Hz")
        block: NDArray[Any] = frame.to_ndarray()
        if not frame.format.is_planar:
            block = block.reshape(-1, len(frame.layout.channels)).T
        if block.dtype.kind == "u":
            block = (block.astype(np.float32) - 128) / 128
        elif block.dtype.kind == "i":
            block = block.astype(np.float32) / np.float32(-float(np.iinfo(block.dtype).min))
        yield _mean(block.astype(np.float32, copy=False))


def _ffmpeg(data: bytes, name: str, deadline: float) -> _Source:
    with tempfile.TemporaryDirectory(prefix="ffmpeg-") as folder:
        given, wav = Path(folder, "in" + PurePosixPath(name).suffix), Path(folder, "out.wav")
        given.write_bytes(data)
        process: Any = (
            ffmpeg.input(str(given))
            .output(str(wav), format="wav", acodec="pcm_f32le", map="0:a:0", bitexact=None)
            .global_args("-nostdin", "-v", "error", "-xerror", "-err_detect", "explode")
            .run_async(cmd=_binary(), pipe_stderr=True, pipe_stdout=True)
        )
        try:
            _, said = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise DecodeError("timeout", f"longer than {_TIME_LIMIT:.0f} s") from error
        if process.returncode:
            last = said.decode(errors="replace").replace(folder, "").strip().rpartition("\n")[2]
            raise _NotMineError(re.sub(r" @ 0x[0-9a-f]+", "", last))
        source = _soundfile(wav.read_bytes(), "out.wav", deadline)
    version = f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}"
    return _Source(source.mono, source.rate, source.channels, "ffmpeg", version)


def _joined(blocks: Iterator[Float], rate: int, deadline: float) -> Float:
    parts: list[Float] = []
    size = 0
    for block in blocks:
        parts.append(block)
        size += block.size
        if size > _LONGEST * rate:
            raise DecodeError("too_long", f"longer than {_LONGEST} s")
        if time.monotonic() > deadline:
            raise DecodeError("timeout", f"longer than {_TIME_LIMIT:.0f} s")
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _mean(channels: NDArray[np.float32]) -> Float:
    if len(channels) == 1:
        return np.ascontiguousarray(channels[0])
    total = channels[0] + channels[1]  # column by column: faster than mean(axis=0), and in order
    for channel in channels[2:]:
        total += channel
    return total / np.float32(len(channels))


def _sane(rate: int, channels: int) -> None:
    if rate not in _RATES or not 0 < channels <= 64:
        raise DecodeError("bad_format", f"{rate} Hz, {channels} channels")


@cache
def _soundfile_version() -> str:
    return f"soundfile {soundfile.__version__}+libsndfile {soundfile.__libsndfile_version__}"


@cache
def _binary() -> str:
    return imageio_ffmpeg.get_ffmpeg_exe()
