"""Audio features of clips: computed once per (weights, split), shared by prompts, benchmarks, runs.

The cache below the lake's `cache` is deletable. A file holds the clips of one split in the order of
their ids, so that a batch is the same whoever needs it first.
"""

import hashlib
import json
from dataclasses import asdict
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch import Tensor

from flows.steps.lake import Lake, locked, sha256_text, sweep, write_table
from flows.steps.progress import Progress
from flows.steps.release import Ingested
from flows.steps.waves import make_waves
from pengi_model import Clap, Pengi
from pengi_model.waves import Waves
from schemas import RequestError

Windows = Literal["centre", "consecutive"]

_BATCH = 32  # windows
_FEATURES = pa.schema({"clip_id": pa.string(), "features": pa.list_(pa.float32())})


class EvaluationError(RequestError):
    """A benchmark that cannot be asked, or answers that are another run's; the message says why."""


class Heard:
    """What one audio encoder makes of sounds, before its projection."""

    def __init__(self, lake: Lake, model: Pengi | Clap, progress: Progress) -> None:
        self.lake, self.progress = lake, progress
        self.encoder, self.config, self.device = model.audio_encoder, model.config, model.device
        self.sha256 = _encoder_sha256(model)

    def features(
        self, versions: Ingested, rows: pa.Table, windows: Windows = "centre"
    ) -> dict[str, Tensor]:
        """Clip id -> features (width,) for the clips of `rows`, which must hold whole splits.

        windows: the centre of a longer clip, or the mean over consecutive windows of all of it.
        """
        found: dict[str, Tensor] = {}
        for split in sorted(set(rows["split"].to_pylist())):
            clips = rows.filter(pc.equal(rows["split"], split))["clip_id"].drop_null()
            found |= self._split(versions, split, sorted(set(clips.to_pylist())), windows)
        return found

    def few(self, versions: Ingested, clips: list[str]) -> dict[str, Tensor]:
        """`features` of these clips alone, of whatever split; not kept."""
        return self._vectors(self._encoded(versions, clips, "centre"))

    def silence(self) -> Tensor:
        """Features (1, width) of a window without sound."""
        with torch.inference_mode():
            return self.encoder.features(torch.zeros(1, self.config.samples, device=self.device))

    def _split(
        self, versions: Ingested, split: str, clips: list[str], windows: Windows
    ) -> dict[str, Tensor]:
        which = sha256_text(versions.rows, versions.audio, split, windows, *clips)[:16]
        path = self.lake.features(self.sha256[:16], versions.dataset, which)
        with locked(path.parent):
            if not path.exists():
                sweep(path.parent)
                write_table(path, self._encoded(versions, clips, windows))
        return self._vectors(pq.read_table(path))

    def _vectors(self, table: pa.Table) -> dict[str, Tensor]:
        flat = table["features"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        vectors = torch.from_numpy(np.array(flat, np.float32)).view(
            -1, self.encoder.config.features
        )
        clips: list[str] = table["clip_id"].to_pylist()
        if len(wrong := (~vectors.isfinite().all(1)).nonzero()):
            raise EvaluationError(
                f"the audio encoder's vector of clip {clips[int(wrong[0])]} is not finite. The "
                "training diverged: lower its rate, then train and evaluate again."
            )
        return dict(zip(clips, vectors, strict=True))

    def _encoded(self, versions: Ingested, clips: list[str], windows: Windows) -> pa.Table:
        if not clips:
            return _FEATURES.empty_table()
        folder = make_waves(self.lake, versions.dataset, versions.audio, self.progress)
        waves = Waves([folder], clips)
        label = f"hear {versions.dataset}"
        owners, found, cut = list[int](), list[Tensor](), list[Tensor]()
        for place in range(len(clips)):
            pieces = self._windows(waves, place, windows)
            owners += [place] * len(pieces)
            cut += pieces
            while len(cut) >= _BATCH or (cut and place == len(clips) - 1):
                found.append(self._batch(cut[:_BATCH]))
                del cut[:_BATCH]
                self.progress(label, place + 1, len(clips))
        summed = torch.zeros(len(clips), self.encoder.config.features)
        owner = torch.tensor(owners)
        summed.index_add_(0, owner, torch.cat(found))
        means = summed / owner.bincount(minlength=len(clips))[:, None]
        lines = [{"clip_id": c, "features": v} for c, v in zip(clips, means.tolist(), strict=True)]
        return pa.Table.from_pylist(lines, schema=_FEATURES)

    def _windows(self, waves: Waves, place: int, windows: Windows) -> list[Tensor]:
        size, length = self.config.samples, int(waves.lengths[place])
        if windows == "centre" or length <= size:
            cut = waves.windows([place], size)
        else:
            starts = [*range(0, length - size, size), length - size]  # the last ends with the clip
            cut = np.stack([waves.wave(place)[start : start + size] for start in starts])
        return list(torch.from_numpy(cut.astype(np.float32) / 32768.0))

    @torch.inference_mode()
    def _batch(self, cut: list[Tensor]) -> Tensor:
        return self.encoder.features(torch.stack(cut).to(self.device)).cpu()


def _encoder_sha256(model: Pengi | Clap) -> str:
    """Over all that features follow from: shape, window, log-mel and weights."""
    config = model.config
    shape = {"audio": asdict(config.audio), "mel": asdict(config.mel), "samples": config.samples}
    digest = hashlib.sha256(json.dumps(shape, sort_keys=True).encode())
    for name, value in sorted(model.audio_encoder.state_dict().items()):
        if not name.startswith("projection."):
            digest.update(f"{name}\0".encode() + value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
