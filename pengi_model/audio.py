"""Audio for the model: files or waves to windows of 44.1 kHz (microsoft/Pengi:wrapper.py)."""

import random
from collections.abc import Sequence
from pathlib import Path

import av
import soundfile
import torch
from av.error import FFmpegError
from torchaudio.transforms import Resample

from pengi_model.config import SAMPLE_RATE, ModelConfig

Audio = torch.Tensor | Sequence[str | Path]


class AudioError(Exception):
    """Audio the model cannot take."""


def windows(audio: Audio, config: ModelConfig) -> list[torch.Tensor]:
    """Paths, or waves (clips, samples) at 44.1 kHz -> each clip's windows (n, config.samples).

    n is 1, save where `config.crop` is "windows".
    """
    if isinstance(audio, torch.Tensor):
        found = [cut(clip, config) for clip in _checked(audio)]
    elif isinstance(audio, str | Path):
        raise AudioError(f"audio: expected a list of paths, found one path. Give [{str(audio)!r}].")
    else:
        found = [cut(read(Path(path), config), config) for path in audio]
    if not found:
        raise AudioError("audio: expected at least one clip, found none.")
    return found


def read(path: Path, config: ModelConfig) -> torch.Tensor:
    """A file as one channel (samples,) at 44.1 kHz; channels averaged, or as released appended."""
    if not path.is_file():
        raise AudioError(f"{path}: expected an audio file, found none. Check the path.")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        channels = torch.from_numpy(samples.T)
    except (soundfile.LibsndfileError, ValueError):  # ValueError: a header that claims 2**63 frames
        channels, rate = _read_container(path)
    if channels.shape[1] == 0:
        raise AudioError(f"{path}: expected sound, found 0 samples. Leave the file out.")
    if not channels.isfinite().all():
        raise AudioError(f"{path}: expected samples in [-1, 1], found some that are not finite.")
    if rate != SAMPLE_RATE:
        channels = Resample(rate, SAMPLE_RATE)(channels)
    return channels.flatten() if config.channels == "concatenate" else channels.mean(0)


def _read_container(path: Path) -> tuple[torch.Tensor, int]:
    """(channels, samples) and rate of what libsndfile does not read: MP4, M4A, WebM, ..."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            to_float = av.AudioResampler(format="fltp")
            frames = [out for frame in container.decode(stream) for out in to_float.resample(frame)]
            blocks = [torch.from_numpy(frame.to_ndarray()) for frame in frames]
            return torch.cat(blocks, dim=1), stream.rate
    except (FFmpegError, IndexError, RuntimeError, ValueError) as error:
        raise AudioError(
            f"{path}: expected an audio file that libsndfile or FFmpeg reads, found: {error}. "
            "Convert it to WAV or FLAC first."
        ) from error


def cut(clip: torch.Tensor, config: ModelConfig) -> torch.Tensor:
    """(samples,) -> windows (n, config.samples), float32: shorter clips tiled, longer ones cropped.

    crop "centre" and "random" (released) give one window. "windows" gives as few as hold every
    sample, the first at the beginning, the last at the end, evenly apart.
    """
    size, count = config.samples, len(clip)
    if count == 0:
        raise AudioError("A clip has 0 samples; expected at least one. Leave it out.")
    if not clip.isfinite().all():
        raise AudioError("A clip has samples that are not finite; expected [-1, 1]. Leave it out.")
    if count <= size:
        return clip.repeat(-(-size // count))[None, :size]
    spare = count - size
    if config.crop == "windows":
        parts = -(-count // size)
        starts = [spare * part // (parts - 1) for part in range(parts)]
    else:
        starts = [random.randrange(spare) if config.crop == "random" else spare // 2]
    return torch.stack([clip[start : start + size] for start in starts])


def per_clip(texts: str | Sequence[str], clips: int, name: str) -> list[str]:
    """One text per clip; a single string serves them all."""
    found = [texts] * clips if isinstance(texts, str) else list(texts)
    if len(found) != clips:
        raise ValueError(f"{name}: expected one per clip ({clips}), found {len(found)}.")
    return found


def _checked(waves: torch.Tensor) -> torch.Tensor:
    if waves.ndim != 2 or not waves.is_floating_point():
        raise AudioError(
            "audio: expected a float tensor (clips, samples) at 44.1 kHz, found "
            f"{waves.dtype} {tuple(waves.shape)}. Scale integers to [-1, 1]; one clip a row."
        )
    return waves.float()
