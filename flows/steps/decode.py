"""One sound file in, int16 mono samples at 44.1 kHz out (paper sec. 4.3: 44.1 kHz, mono).

libsndfile first, since it is fastest on wav, flac, mp3 and ogg; PyAV for what libsndfile cannot
open or is slow at (m4a, mp4, webm, Opus, video); the ffmpeg binary of imageio-ffmpeg last.

A file cut short is refused as "truncated" where its header counts the samples (wav, aiff, au, flac,
mp4, webm) and more than 1 % of them are not there; one without such a count (mp3, ogg, aac, a
recorded stream) is taken as far as it goes, as ffmpeg takes it.
"""

import io
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import av
import av.error
import ffmpeg
import imageio_ffmpeg
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from flows.steps.mono import DOWNMIX, LEAST, LONGEST, SAMPLE_RATE, DecodeError, Mono
from flows.steps.mpeg import is_mpeg

__all__ = ["DOWNMIX", "SAMPLE_RATE", "DecodeError", "Decoded", "decode", "identity"]

_FFMPEG_LIMIT = 120.0  # s for one file
_FRAMES = 1 << 16  # samples handed on at a time; so many stay in the cache of a core
_MISSING = 0.01  # part of the samples counted in the header that may be missing
_CONSUMED = 0.9  # part of a FLAC file that its decoder must have read at the end
_EDGE = 4096  # samples more: encoders' delays, which some headers count and some do not
_WHOLE = {"PCM_S8", "PCM_U8", "PCM_16"}  # subtypes of which int16 holds every bit
# what libsndfile's log says of a chunk of sound that goes beyond the end of the file
_SHORT = re.compile(r"^ *(?:data|SSND|Data Size) *: *(\d+) \(should be (\d+)\)", re.MULTILINE)
# what the bindings of the decoders raise on damaged bytes, beside errors of their own
_ODD = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, TypeError, ValueError)


class _NotMineError(Exception):
    """This decoder cannot read the file; the next one may."""


class _Forward(soundfile.SoundFile):
    """soundfile seeks after every read; in MP3 and FLAC that costs, and changes samples of MP3."""

    def seekable(self) -> bool:
        return False


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
    """A file as one decoder read it."""

    mono: Mono
    channels: int
    format: str
    decoder: str


def decode(data: bytes, name: str) -> Decoded:
    """Decode the bytes of one file; `DecodeError` when they hold no usable sound."""
    if not data:
        raise DecodeError("empty_file", "0 bytes")
    reasons: list[str] = []
    for reader in (_soundfile, _pyav, _ffmpeg):
        try:
            source = reader(data, name)
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
    return ", ".join([*versions, *libraries, f"{DOWNMIX} {SAMPLE_RATE} {LEAST} {LONGEST}"])


def _finished(source: _Source) -> Decoded:
    rate, decoder = source.mono.rate, source.decoder
    if not source.mono.taken:
        raise DecodeError("no_samples", f"{source.format} without a sample")
    if rate != SAMPLE_RATE:
        decoder += f"+soxr {soxr.__version__} HQ"
    return Decoded(source.mono.samples(), rate, source.channels, source.format, decoder)


def _soundfile(data: bytes, name: str) -> _Source:
    return _sound(io.BytesIO(data), data)


def _sound(file_: BinaryIO, data: bytes) -> _Source:
    try:
        with _Forward(file_) as file:
            if file.subtype == "OPUS":
                raise _NotMineError("slow at Opus")
            if file.format == "FLAC" and file.frames > LONGEST * file.samplerate:
                raise _NotMineError("no count of samples, so no notice of damage")
            if file.format == "MP3" and not is_mpeg(data):
                raise _NotMineError("bytes that happen to look like MPEG audio")
            mono = Mono(file.samplerate, file.channels)
            dtype = "int16" if file.subtype in _WHOLE else "float32"
            if (file.samplerate, file.channels) != (SAMPLE_RATE, 1):
                dtype = "float32"
            while len(block := file.read(_FRAMES, dtype=dtype, always_2d=True)):
                mono.add(np.asarray(block).T)
            if file.format == "FLAC" and file_.tell() < _CONSUMED * len(data):
                raise _NotMineError("more FLAC than the header says")
            _whole(file, mono.taken)
            what = f"{file.format}/{file.subtype}"
            return _Source(mono, file.channels, what, _soundfile_version())
    except soundfile.LibsndfileError as error:
        raise _NotMineError(error.error_string) from error  # str(error) holds an address


def _whole(file: soundfile.SoundFile, taken: int) -> None:
    if short := _SHORT.search(file.extra_info):
        promised, found = map(int, short.groups())
        _complete(found, promised if promised < 1 << 31 else found, "bytes of sound")
    if file.format == "FLAC":
        _complete(taken, file.frames, "samples")


def _complete(found: int, promised: int, what: str, spare: int = 0) -> None:
    if found + spare < (1 - _MISSING) * promised:
        raise DecodeError("truncated", f"{found} of {promised} {what}")


def _pyav(data: bytes, name: str) -> _Source:
    try:
        with av.open(io.BytesIO(data), metadata_errors="replace") as container:
            what = container.format.name.split(",")[0]
            if not container.streams.audio:
                raise DecodeError("no_audio", f"{container.format.name} without an audio stream")
            if what == "mp3" and not is_mpeg(data):
                raise DecodeError("undecodable", "bytes that happen to look like MPEG audio")
            stream = container.streams.audio[0]
            rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
            mono = Mono(rate, channels)
            for block in _blocks(container, rate):
                mono.add(block)
            _complete(mono.taken, _promised(container, what), "samples", _EDGE)
            what += f"/{stream.codec_context.name}"
            return _Source(mono, channels, what, f"pyav {av.__version__}")
    except av.error.FFmpegError as error:
        raise _NotMineError(error.strerror) from error


def _promised(container: Any, what: str) -> int:
    """Samples of the first audio stream that the header counts; 0 where it does not."""
    stream = container.streams.audio[0]
    if what in ("mov", "wav", "aiff", "flac") and stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * stream.codec_context.sample_rate)
    if what == "matroska" and container.duration and len(container.streams) == 1:
        return round(container.duration / av.time_base * stream.codec_context.sample_rate)
    return 0


def _blocks(container: Any, rate: int) -> Iterator[NDArray[np.float32]]:
    """(channels, n) of many frames at once: one by one they cost more than their decoding."""
    fifo, kind = av.AudioFifo(), None
    for frame in container.decode(audio=0):
        if frame.sample_rate != rate:
            raise DecodeError("changing_rate", f"{rate} Hz, then {frame.sample_rate} Hz")
        found = (frame.format.name, frame.layout.name)
        if fifo.samples >= _FRAMES or (fifo.samples and found != kind):
            yield _floats(fifo.read(0, partial=True))
        if found != kind:
            fifo, kind = av.AudioFifo(), found
        frame.pts = None  # a gap in time is no gap in the sound
        fifo.write(frame)
    if fifo.samples:
        yield _floats(fifo.read(0, partial=True))


def _floats(frame: Any) -> NDArray[np.float32]:
    block: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        block = block.reshape(-1, len(frame.layout.channels)).T
    if block.dtype.kind == "u":
        return (block.astype(np.float32) - 128) / np.float32(128)
    if block.dtype.kind == "i":
        return block.astype(np.float32) / np.float32(-float(np.iinfo(block.dtype).min))
    return block.astype(np.float32, copy=False)


def _ffmpeg(data: bytes, name: str) -> _Source:
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
            _, said = process.communicate(timeout=_FFMPEG_LIMIT)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise DecodeError("timeout", f"ffmpeg took more than {_FFMPEG_LIMIT:.0f} s") from error
        if process.returncode:
            last = said.decode(errors="replace").replace(folder, "").strip().rpartition("\n")[2]
            raise _NotMineError(re.sub(r" @ 0x[0-9a-f]+", "", last))
        with wav.open("rb") as file:
            source = _sound(file, b"")
    version = f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}"
    return _Source(source.mono, source.channels, "ffmpeg", version)


@cache
def _soundfile_version() -> str:
    return f"soundfile {soundfile.__version__}+libsndfile {soundfile.__libsndfile_version__}"


@cache
def _binary() -> str:
    return imageio_ffmpeg.get_ffmpeg_exe()
