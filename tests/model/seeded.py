"""The fixtures of the reference: its weight rule and its three sounds."""

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from pengi_model import Pengi
from pengi_model.config import PAPER, ModelConfig, without_text_encoder

HERE = Path(__file__).parent
REFERENCE = HERE.parents[2] / "shared" / "reference"
NO_REFERENCE = f"{REFERENCE} is not there"
# Ours -> released.
TO_RELEASED = (
    ("audio_encoder.log_mel.matrix", "audio_encoder.base.htsat.logmel_extractor.melW"),
    ("audio_encoder.htsat.audio_encoder.batch_norm.", "audio_encoder.base.htsat.bn0."),
    ("audio_encoder.htsat.audio_encoder.", "audio_encoder.base.htsat."),
    (".layernorm_before.", ".norm1."),
    (".layernorm_after.", ".norm2."),
    (".attention.output.dense.", ".attn.proj."),
    (".intermediate.dense.", ".mlp.fc1."),
    (".output.dense.", ".mlp.fc2."),
    (".attention.self.", ".attn."),
    ("text_encoder.clip_projection.", "caption_encoder.clip_text_projection."),
    ("text_encoder.clip.", "caption_encoder.base."),
    ("text_encoder.projection.", "caption_encoder.projection."),
    ("language_model.", "caption_decoder.gpt."),
    ("audio_mapping.", "caption_decoder.audio_project."),
    ("text_mapping.", "caption_decoder.text_project."),
)
SOUNDS = ((110, 4000, 0.7, 0.05), (3000, 200, 3.1, 0.15), (500, 12000, 0.25, 0.02))


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Entry `name` (released name) of the seeded state dict."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    z = random.standard_normal(shape, dtype=np.float32)
    if name.endswith("running_mean"):
        return np.float32(-20) + np.float32(3) * z
    if name.endswith("running_var"):
        return np.float32(150) + np.float32(30) * np.abs(z)
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if len(shape) == 1:
        scale = name.endswith(".weight")
        return np.float32(1) + np.float32(0.1) * z if scale else np.float32(0.05) * z
    for ending, factor in (
        ("relative_position_bias_table", 0.5),
        ("prefix_const", 1.0),
        ("wte.weight", 0.2),
        ("token_embedding.weight", 0.2),
        ("wpe.weight", 0.4),
        ("position_embedding.weight", 0.4),
    ):
        if name.endswith(ending):
            return np.float32(factor) * z
    conv1d = name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight"))
    fan_in = shape[0] if conv1d else int(np.prod(shape[1:]))
    gain = 3.0 if name.endswith("c_attn.weight") else 1.5
    return np.float32(gain / np.sqrt(fan_in)) * z


def fill(module: torch.nn.Module, prefix: str) -> None:
    """Give a module, whose names are the released ones behind `prefix`, its seeded weights."""
    values = {
        name: torch.from_numpy(weight(prefix + name, tuple(value.shape)))
        for name, value in module.state_dict().items()
    }
    module.load_state_dict(values)


def sound(k: int) -> np.ndarray:
    """Sound k as int16, 7 s at 44.1 kHz."""
    low, high, tremolo, noise = SOUNDS[k]
    t = np.arange(308_700) / 44_100
    x = 0.5 * np.sin(2 * np.pi * (low * t + (high - low) * t**2 / 14))
    x *= 0.6 + 0.4 * np.sin(2 * np.pi * tremolo * t)
    x += noise * np.random.default_rng(1000 + k).standard_normal(len(t))
    return np.clip(np.rint(x * 32767), -32768, 32767).astype("<i2")


def waves() -> torch.Tensor:
    """The three sounds as the model takes them, (3, 308700) float32."""
    return torch.from_numpy(np.stack([sound(k) for k in range(3)]) / np.float32(32768))


class Gold(Mapping[str, np.ndarray]):
    """A file of golden values that remembers which of them were looked up.

    The copy in this folder holds everything but three large arrays, of which it has a part,
    NAME__part = NAME[:, ::4, ::16]; where the reference itself is at hand, its file is read.
    """

    def __init__(self, name: str) -> None:
        whole = REFERENCE / "golden" / f"{name}.npz"
        self.file = np.load(whole if whole.is_file() else HERE / f"golden_{name}.npz")
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> np.ndarray:
        self.read.add(key)
        return self.file[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.file.files)

    def __len__(self) -> int:
        return len(self.file.files)


def released(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of our names under the released ones, without what newer versions compute."""
    found: dict[str, torch.Tensor] = {}
    for name, value in weights.items():
        if name.endswith(("log_mel.mean", "log_mel.std")) or ".key." in name or ".value." in name:
            continue
        if ".query." in name:
            parts = [weights[name.replace(".query.", f".{p}.")] for p in ("query", "key", "value")]
            name, value = name.replace(".query.", ".qkv."), torch.cat(parts)
        for ours, theirs in TO_RELEASED:
            name = name.replace(ours, theirs)
        found[name] = value
    return found


def shapes(table: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the released model `base` or `no_text_enc`, as far as they are kept."""
    config: ModelConfig = PAPER if table == "base" else without_text_encoder(PAPER)
    with torch.device("meta"):
        weights = Pengi(config).state_dict()
    return {name: tuple(value.shape) for name, value in released(weights).items()}


def extra() -> dict[str, torch.Tensor]:
    """What the file holds besides, which the loader must drop: wrong values would show."""
    names = {
        "caption_encoder.base.embeddings.position_ids": (1, 77),
        "audio_encoder.base.htsat.spectrogram_extractor.stft.conv_real.weight": (513, 1, 1024),
        "audio_encoder.base.htsat.spectrogram_extractor.stft.conv_imag.weight": (513, 1, 1024),
        "audio_encoder.base.htsat.layers.0.blocks.1.attn.attn_mask": (64, 64, 64),
        "audio_encoder.base.htsat.head.weight": (527, 527),
        "audio_encoder.base.htsat.head.bias": (527,),
        "caption_decoder.gpt.transformer.h.3.attn.masked_bias": (),
        "caption_decoder.gpt.transformer.h.3.attn.bias": (1, 1, 1024, 1024),
    }
    return {name: torch.full(shape, 7.0) for name, shape in names.items()}


HEAD = {"weight": (527, 768, 2, 3), "bias": (527,)}


def state(table: str) -> dict[str, torch.Tensor]:
    """The seeded state dict of the released model `base` or `no_text_enc`."""
    found = extra()
    if table != "base":
        del found["caption_encoder.base.embeddings.position_ids"]
    for name, shape in shapes(table).items():
        if name.endswith("melW"):
            found[name] = torch.from_numpy(np.load(HERE / "golden_base.npz")["melW_full"])
        elif name.endswith("relative_position_index"):
            found[name] = torch.full(shape, 7)
        elif not name.endswith("lm_head.weight"):
            found[name] = torch.from_numpy(np.asarray(weight(name, shape)))
    for part, shape in HEAD.items():
        name = f"audio_encoder.base.htsat.tscam_conv.{part}"
        found[name] = torch.from_numpy(weight(name, shape))
    gpt = "caption_decoder.gpt"
    found[f"{gpt}.lm_head.weight"] = found[f"{gpt}.transformer.wte.weight"]
    return found


def listed(table: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes in state_dict_<table>.tsv of the reference."""
    rows = (REFERENCE / f"state_dict_{table}.tsv").read_text().splitlines()[1:]
    found = {}
    for name, size, *_ in (row.split("\t") for row in rows):
        found[name] = () if size == "scalar" else tuple(map(int, size.split("x")))
    return found
