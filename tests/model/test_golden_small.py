"""Front end, audio encoder and mapping network against excerpts of the reference's golden values.

golden_*.npz hold outputs of the released code; test_golden_full.py compares all of them.
"""

import random

import numpy as np
import pytest
import torch
from torchaudio.transforms import Resample

import seeded
from pengi_model.audio import cut
from pengi_model.config import PAPER, WRAPPER, MelConfig
from pengi_model.encoders import AudioEncoder
from pengi_model.mapping import MappingNetwork
from pengi_model.mel import LogMel
from pengi_model.released import renamed

GOLD = np.load(seeded.HERE / "golden_base.npz")
RESAMPLED = np.load(seeded.HERE / "golden_resample.npz")


@pytest.mark.parametrize(
    ("name", "shape", "first", "total"),
    [
        (
            "audio_encoder.projection.linear1.weight",
            (1024, 768),
            [0.05516225, -0.0005274865, -0.0174029],
            -20.346006,
        ),
        (
            "caption_decoder.gpt.transformer.h.0.attn.c_attn.weight",
            (768, 2304),
            [0.1406105, 0.09888849, -0.1133207],
            -149.506596,
        ),
        (
            "audio_encoder.base.htsat.bn0.running_var",
            (64,),
            [176.4633, 188.3151, 179.4125],
            11272.515762,
        ),
    ],
)
def test_weight_rule(name: str, shape: tuple[int, ...], first: list[float], total: float) -> None:
    weight = seeded.weight(name, shape)
    np.testing.assert_allclose(weight.ravel()[:3], first, rtol=1e-6)
    assert weight.astype(np.float64).sum() == pytest.approx(total, abs=1e-5)


def test_mel_matrix() -> None:
    np.testing.assert_allclose(LogMel(MelConfig()).matrix.numpy(), GOLD["melW_full"], atol=1e-8)


def test_log_mel() -> None:
    mel, waves = LogMel(MelConfig()), seeded.waves()
    power = mel.power(waves)[:, [0, 1, 480, 964]].numpy()
    scale = power.max(axis=-1, keepdims=True)
    np.testing.assert_allclose(power / scale, GOLD["power_spec__excerpt"] / scale, atol=1e-5)
    found = mel(waves)
    assert found.shape == (3, 1, 965, 64)
    rows = [*range(6), *range(480, 486), *range(959, 965)]
    np.testing.assert_allclose(found[:, 0, rows].numpy(), GOLD["logmel__excerpt"], atol=1e-3)


def test_log_mel_keeps_float32_under_autocast_and_standardises() -> None:
    mel, waves = LogMel(MelConfig()), seeded.waves()[:1]
    plain = mel(waves)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(mel(waves), plain)
    mel.mean.fill_(-30.0)
    mel.std.fill_(12.0)
    torch.testing.assert_close(mel(waves), (plain + 30) / 12)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 48000])
def test_resampling(rate: int) -> None:
    n = np.arange(rate // 2) / rate
    tones = 0.5 * np.sin(2 * np.pi * 440 * n) + 0.25 * np.sin(2 * np.pi * 3000 * n)
    found = Resample(rate, 44_100)(torch.from_numpy(tones.astype(np.float32))).numpy()
    assert len(found) == RESAMPLED[f"resample_{rate}_len"]
    np.testing.assert_allclose(found[:256], RESAMPLED[f"resample_{rate}_first256"], atol=2e-5)
    np.testing.assert_allclose(found[-64:], RESAMPLED[f"resample_{rate}_last64"], atol=2e-5)
    exact = found.astype(np.float64)
    stats = [exact.mean(), exact.std(), exact.min(), exact.max(), np.abs(exact).sum()]
    np.testing.assert_allclose(stats, RESAMPLED[f"resample_{rate}_stats"], rtol=1e-4, atol=2e-5)


def test_random_crop_starts_where_the_released_one_does() -> None:
    ramp = torch.arange(441_000, dtype=torch.float32)
    random.seed(0)
    starts = [int(cut(ramp, WRAPPER)[0, 0]) for _ in range(4)]
    assert starts == RESAMPLED["crop_start_seed0_len_441000"].tolist()


@pytest.mark.slow
@torch.inference_mode()
def test_audio_from_wave_to_prefix() -> None:
    encoder = AudioEncoder(PAPER).eval()
    names = {
        "norm1": "layernorm_before",
        "norm2": "layernorm_after",
        "attn.proj": "attention.output.dense",
        "mlp.fc1": "intermediate.dense",
        "mlp.fc2": "output.dense",
    }
    state = renamed(audio_state(encoder, names))
    state = {name.removeprefix("audio_encoder."): value for name, value in state.items()}
    left = encoder.load_state_dict(state, strict=False)
    assert not left.unexpected_keys
    assert all(n.startswith("log_mel") or "position_index" in n for n in left.missing_keys)
    waves = seeded.waves()
    np.testing.assert_allclose(encoder.features(waves), GOLD["htsat_embedding"], atol=1e-4)
    projected = encoder(waves)
    normalised = projected / projected.norm(dim=-1, keepdim=True)
    np.testing.assert_allclose(normalised, GOLD["audio_normalised"], atol=1e-6)
    mapping = MappingNetwork(PAPER.audio_mapping, 1024, 768)
    seeded.fill(mapping, "caption_decoder.audio_project.")
    prefix = mapping(normalised)[:, ::4, ::16]
    np.testing.assert_allclose(prefix, GOLD["audio_prefix__part"], atol=1e-3)


def audio_state(encoder: AudioEncoder, names: dict[str, str]) -> dict[str, torch.Tensor]:
    """Released names and seeded weights of the audio encoder, from the shapes of ours."""
    found = {}
    for name, value in encoder.state_dict().items():
        shape = tuple(value.shape)
        for theirs, ours in names.items():
            name = name.replace(f".{ours}.", f".{theirs}.")
        name = name.replace(".attention.self.", ".attn.")
        name = name.replace("htsat.audio_encoder.", "base.htsat.").replace(".batch_norm.", ".bn0.")
        if name.startswith("log_mel") or name.endswith("position_index"):
            continue
        if ".attn.key." in name or ".attn.value." in name:
            continue
        if ".attn.query." in name:
            name, shape = name.replace(".query.", ".qkv."), (3 * shape[0], *shape[1:])
        released = f"audio_encoder.{name}"
        found[released] = torch.from_numpy(np.asarray(seeded.weight(released, shape)))
    return found
