"""One sound file as FLAC: the whole of it, or pieces of it, with what CLIPS says of its source."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from flows.steps.decode import Decoded, DecodeError, decode
from flows.steps.mono import LEAST, SAMPLE_RATE

_LEVEL_5 = 5 / 8  # libsndfile counts 0..1 where FLAC counts 0..8

Cut = tuple[float, float] | None  # from and to in seconds; None is the whole


@dataclass(frozen=True)
class Encoded:
    """One clip as FLAC level 5, 44.1 kHz, mono, 16 bit, with what CLIPS says of its source."""

    flac: bytes
    samples: int
    sample_sha256: str
    source_bytes: int
    source_sha256: str
    source_rate: int
    source_channels: int
    source_format: str
    decoder: str
    downmix: str


@dataclass(frozen=True)
class Fault:
    """Why there is no clip: a `DecodeError`, or "timeout" or "decoder_crash" (see workers)."""

    code: str
    detail: str


def encode(data: bytes, name: str, cuts: Sequence[Cut] = (None,)) -> list[Encoded | Fault]:
    """Decode one file once and encode every cut of it as FLAC; same bytes in, same bytes out."""
    try:
        decoded = decode(data, name)
    except DecodeError as error:
        return [Fault(error.code, error.detail)] * len(cuts)
    source_sha256 = hashlib.sha256(data).hexdigest()
    outcomes: list[Encoded | Fault] = []
    for cut in cuts:
        try:
            piece = decoded.samples if cut is None else _piece(decoded.samples, *cut)
        except DecodeError as error:
            outcomes.append(Fault(error.code, error.detail))
        else:
            outcomes.append(_encoded(piece, decoded, len(data), source_sha256))
    return outcomes


def _piece(samples: NDArray[np.int16], start: float, end: float) -> NDArray[np.int16]:
    """From round(start x 44100) to round(end x 44100), or to the end of the recording."""
    whole = samples.size / SAMPLE_RATE
    if end <= start:
        raise DecodeError("bad_piece", f"from {start} s to {end} s")
    if (first := round(start * SAMPLE_RATE)) >= samples.size:
        raise DecodeError("beyond_end", f"starts at {start} s; the recording has {whole:.3f} s")
    piece = samples[first : round(end * SAMPLE_RATE)]
    if piece.size < LEAST:
        raise DecodeError(
            "too_short",
            f"{piece.size} samples from {start} s to {end} s of {whole:.3f} s, "
            f"expected {LEAST} or more",
        )
    return piece


def _encoded(
    samples: NDArray[np.int16], decoded: Decoded, source_bytes: int, source_sha256: str
) -> Encoded:
    flac = io.BytesIO()
    soundfile.write(
        flac, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16", compression_level=_LEVEL_5
    )
    return Encoded(
        flac=flac.getvalue(),
        samples=samples.size,
        sample_sha256=hashlib.sha256(samples.astype("<i2", copy=False).data).hexdigest(),
        source_bytes=source_bytes,
        source_sha256=source_sha256,
        source_rate=decoded.rate,
        source_channels=decoded.channels,
        source_format=decoded.format,
        decoder=decoded.decoder,
        downmix=decoded.downmix,
    )
