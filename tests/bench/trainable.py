"""What a training reads, made of noise: pairs, a waves cache, and parents with random weights."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pengi_model.config import ModelConfig
from pengi_model.encoders import Clap
from pengi_model.language_stage import Language
from pengi_model.tokens import end_of, of_release

RATE = 44_100
_WORDS = ("dog", "cat", "rain", "wind", "engine", "voice", "bell", "door", "near", "far")
_PROMPT = "generate audio caption"


def captions(count: int) -> list[str]:
    """Sentences of 4 to 12 words."""
    draw = np.random.default_rng(1)
    return [" ".join(draw.choice(_WORDS, size=draw.integers(4, 13))) for _ in range(count)]


def noise(clips: int, seconds: float) -> Iterator[NDArray[np.int16]]:
    """A noise of its own for every clip, smooth enough that FLAC finds some order."""
    draw = np.random.default_rng(0)
    for _ in range(clips):
        walk = draw.standard_normal(round(seconds * RATE)).cumsum()
        yield (3000 * np.sin(walk / 8) + 300 * np.sin(walk)).astype("<i2")


def world(folder: Path, clips: int, seconds: float) -> dict[str, Any]:
    """Write the pairs, one a clip, and the waves; return a spec's `reads`."""
    waves = folder / "waves"
    waves.mkdir(parents=True)
    length = round(seconds * RATE)
    with (waves / "samples.int16").open("wb") as file:
        for wave in noise(clips, seconds):
            wave.tofile(file)
    ids = [f"{number * 2654435761 % 2**32:08x}{number:024x}" for number in range(clips)]
    index = {"clip_id": ids, "start": np.arange(clips) * length, "length": [length] * clips}
    pq.write_table(pa.table(index), waves / "index.parquet")
    pairs = {
        "pair_id": [f"{number:032x}" for number in range(clips)],
        "clip_id": ids,
        "dataset": ["noise"] * clips,
        "split": ["train"] * clips,
        "template": ["audio_captioning"] * clips,
        "input": [_PROMPT] * clips,
        "output": captions(clips),
    }
    pq.write_table(pa.table(pairs), folder / "pairs.parquet")
    path = str(folder / "pairs.parquet")
    return {"pairs": [{"path": path, "splits": ["train"]}], "waves": [str(waves)]}


def parents(folder: Path, reads: dict[str, Any], size: ModelConfig) -> dict[str, str]:
    """Model folders "clap" and "language_model" of this size, as a spec names them."""
    tokenizer = of_release(reads, 700)
    end = end_of(tokenizer)
    config = size.with_tokens(len(tokenizer), end, end)
    Clap(config, tokenizer).save_pretrained(folder / "clap")
    Language(config, tokenizer).save_pretrained(folder / "language_model")
    return {name: str(folder / name) for name in ("clap", "language_model")}
