"""Windows of clips out of waves folders (`samples.int16` + `index.parquet`), memory mapped."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray


class ReadsError(Exception):
    """The files a training should read do not fit together."""


class Waves:
    """The samples of `clips` (default: all; a clip's place in the list is its number) in folders.

    ReadsError for a folder that is no waves cache or was changed, and for a clip that is in none.
    """

    def __init__(self, folders: Sequence[Path], clips: Sequence[str] | None = None) -> None:
        self._files = [_mapped(folder) for folder in folders]
        indexes = [pq.read_table(folder / "index.parquet") for folder in folders]
        if clips is None:
            clips = [clip for index in indexes for clip in index["clip_id"].to_pylist()]
        self._number = {clip: number for number, clip in enumerate(clips)}
        self._file = np.full(len(clips), -1)
        self._start = np.zeros(len(clips), np.int64)
        self.lengths = np.zeros(len(clips), np.int64)  # samples
        wanted = pa.array(clips, pa.string())
        for number, index in enumerate(indexes):
            found = pc.index_in(wanted, index["clip_id"].combine_chunks())
            here = np.flatnonzero(found.is_valid())
            places = found.drop_null().to_numpy()
            self._file[here] = number
            self._start[here] = index["start"].to_numpy()[places]
            self.lengths[here] = index["length"].to_numpy()[places]
        if len(missing := np.flatnonzero(self._file < 0)):
            raise ReadsError(
                f"{len(missing)} clips of the pairs are in no waves cache, e.g. "
                f"{clips[missing[0]]}. Delete the cache folder and run again: it is rebuilt from "
                "the shards."
            )

    def window(self, clip_id: str, samples: int, draw: float = 0.5) -> NDArray[np.float32]:
        """`windows` of one clip by its id, as values in [-1, 1)."""
        found = self.windows([self._number[clip_id]], samples, [draw])[0]
        return found.astype(np.float32) / 32768.0

    def windows(self, clips: ArrayLike, samples: int, draws: ArrayLike = 0.5) -> NDArray[np.int16]:
        """(clips, samples): shorter clips tiled, longer ones cut at `draws` in [0, 1) of the slack.

        Whole windows are one gather a file; a short clip is a call of its own, as long as a copy.
        """
        clips = np.asarray(clips)
        slack = self.lengths[clips] - samples
        starts = self._start[clips] + (np.asarray(draws) * np.maximum(slack, 0)).astype(np.int64)
        if len(self._files) == 1 and (slack >= 0).all():
            return sliding_window_view(self._files[0], samples)[starts]
        found = np.empty((len(clips), samples), np.int16)
        for number in np.unique(self._file[clips]):
            samples_of = self._files[number]
            here = self._file[clips] == number
            whole = np.flatnonzero(here & (slack >= 0))
            if len(whole):
                found[whole] = sliding_window_view(samples_of, samples)[starts[whole]]
            for row in np.flatnonzero(here & (slack < 0)):
                length = samples + slack[row]
                found[row] = np.resize(samples_of[starts[row] : starts[row] + length], samples)
        return found

    def wave(self, clip: int) -> NDArray[np.int16]:
        """All samples of one clip."""
        start = self._start[clip]
        return self._files[self._file[clip]][start : start + self.lengths[clip]]


def _mapped(folder: Path) -> NDArray[np.int16]:
    if not (folder / "index.parquet").is_file():
        raise ReadsError(
            f"{folder} is no waves cache: expected index.parquet in it. Make it again."
        )
    lengths = pq.read_table(folder / "index.parquet", columns=["length"])["length"]
    expected = 2 * (pc.sum(lengths).as_py() or 0)
    found = (folder / "samples.int16").stat().st_size
    if found != expected:
        raise ReadsError(
            f"{folder / 'samples.int16'}: expected {expected} bytes by its index, found {found}. "
            f"Delete {folder} and run again: it is rebuilt from the shards."
        )
    return np.memmap(folder / "samples.int16", dtype="<i2", mode="r")
