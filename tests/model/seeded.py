"""The fixtures of the reference: its weight rule and its three sounds."""

import zlib
from pathlib import Path

import numpy as np
import torch

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
NO_REFERENCE = f"{REFERENCE} is not there"
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


def state(table: str) -> dict[str, torch.Tensor]:
    """The seeded state dict of state_dict_<table>.tsv; computed entries but melW are wrong."""
    found: dict[str, torch.Tensor] = {}
    rows = (REFERENCE / f"state_dict_{table}.tsv").read_text().splitlines()[1:]
    matrix = np.load(REFERENCE / "golden" / "base.npz")["melW_full"]
    for name, size, _, _, _, rule in (row.split("\t") for row in rows):
        shape = () if size == "scalar" else tuple(map(int, size.split("x")))
        if rule.startswith("seeded"):
            found[name] = torch.from_numpy(np.asarray(weight(name, shape)))
        elif rule.startswith("tied"):
            found[name] = found[name.replace("lm_head", "transformer.wte")]
        elif name.endswith("melW"):
            found[name] = torch.from_numpy(matrix)
        else:  # what the loader must drop; wrong values would show if it did not
            found[name] = torch.full(shape, 7.0)
    return found
