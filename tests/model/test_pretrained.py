"""GPT-2 and CLIP from a hub on this machine: what comes is transformers' own model, or refused."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    CLIPConfig,
    CLIPModel,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

from hub import Hub, serving
from pengi_model.config import TINY
from pengi_model.encoders import Clap
from pengi_model.joining import contrasted, joined
from pengi_model.language_stage import Language
from pengi_model.pretrained import PretrainedError, TextTower, fetch
from pengi_model.settings import ContrastiveSettings, PretrainedSettings, Schedule
from pengi_model.tokens import train_tokenizer
from pengi_model.train import main
from training_world import write_spec

COMMIT = "a" * 40
GPT = PretrainedSettings(
    part="language_model", hub="openai-community/gpt2", revision=COMMIT, size="tiny"
)
CLIP = replace(GPT, part="text_encoder", hub="openai/clip")
TEXTS = ["this is a sound of", "low tone", "high tone!"]


def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS, 300)


def files(model: Any, folder: Path) -> dict[str, bytes]:
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def gpt() -> GPT2LMHeadModel:
    """A GPT-2 of TINY's shape with random weights."""
    torch.manual_seed(1)
    config = GPT2Config(vocab_size=700, n_embd=128, n_layer=3, n_head=4, n_positions=256)
    return GPT2LMHeadModel(config).eval()


@pytest.fixture(scope="module")
def clip() -> CLIPModel:
    """A whole CLIP, image tower too, whose text tower is of TINY's shape."""
    torch.manual_seed(2)
    text = {"hidden_size": 96, "intermediate_size": 384, "num_hidden_layers": 2}
    text |= {"num_attention_heads": 4, "vocab_size": 700, "max_position_embeddings": 64}
    text |= {"bos_token_id": 0, "eos_token_id": 0}
    image = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    image |= {"num_attention_heads": 2, "image_size": 32, "patch_size": 16}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=image, projection_dim=96)).eval()


@pytest.fixture
def gpt_hub(gpt: GPT2LMHeadModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub(GPT.hub, COMMIT, files(gpt, tmp_path / "gpt"))) as hub:
        use(hub, tmp_path, monkeypatch)
        yield hub


@pytest.fixture
def clip_hub(clip: CLIPModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub(CLIP.hub, COMMIT, files(clip, tmp_path / "clip"))) as hub:
        use(hub, tmp_path, monkeypatch)
        yield hub


def use(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 2)


def test_gpt2_comes_whole_and_is_recorded(gpt: GPT2LMHeadModel, gpt_hub: Hub, tmp_path: Path):
    run = tmp_path / "run"
    run.mkdir()
    fetch(GPT, run)
    ours = Language.from_pretrained(run / "model")
    ids = torch.tensor([[5, 6, 7, 300]])
    assert torch.equal(ours.language_model(ids).logits, gpt(ids).logits)
    assert ours.tokenizer("low tone")["input_ids"] == tokenizer()("low tone")["input_ids"]
    assert ours.tokenizer.pad_token == "!"
    recorded = {line["file"]: line for line in json.loads((run / "files.json").read_text())}
    weights = gpt_hub.files["model.safetensors"]
    assert recorded["model.safetensors"]["sha256"] == hashlib.sha256(weights).hexdigest()
    assert recorded["config.json"]["bytes"] == len(gpt_hub.files["config.json"])
    before = len(gpt_hub.asked)
    (tmp_path / "again").mkdir()
    fetch(GPT, tmp_path / "again")
    assert not [path for path in gpt_hub.asked[before:] if path.endswith("model.safetensors")]


def test_the_published_names_of_gpt2_are_read_too(
    gpt: GPT2LMHeadModel, gpt_hub: Hub, tmp_path: Path
):
    """The hub's GPT-2 has no `transformer.` in front, and causal masks among its weights."""
    state = {
        name.removeprefix("transformer."): value
        for name, value in gpt.state_dict().items()
        if name != "lm_head.weight"
    }
    state |= {f"h.{layer}.attn.bias": torch.ones(1, 1, 256, 256) for layer in range(3)}
    torch.save(state, tmp_path / "pytorch_model.bin")
    gpt_hub.files["pytorch_model.bin"] = (tmp_path / "pytorch_model.bin").read_bytes()
    del gpt_hub.files["model.safetensors"]
    fetch(GPT, tmp_path)
    ids = torch.tensor([[1, 2, 3]])
    ours = Language.from_pretrained(tmp_path / "model").language_model
    assert torch.equal(ours(ids).logits, gpt(ids).logits)


def test_clips_text_tower_starts_the_contrastive_stage(
    clip: CLIPModel, clip_hub: Hub, tmp_path: Path
):
    fetch(CLIP, tmp_path)
    settings = ContrastiveSettings(
        size="tiny", schedule=Schedule(1, 2, 1e-4), vocabulary=0, positives="diagonal"
    )
    model = contrasted(settings, {}, str(tmp_path / "model")).eval()
    assert model.text_encoder is not None
    ids = torch.tensor([[9, 8, 7, 0, 0], [5, 6, 0, 0, 0]])  # 0 ends a text
    mask = torch.tensor([[1, 1, 1, 1, 0], [1, 1, 1, 0, 0]])
    hidden = clip.text_model(input_ids=ids, attention_mask=mask).last_hidden_state
    expected = clip.text_projection(hidden[[0, 1], [3, 2]])
    assert torch.allclose(model.text_encoder.pooled(ids, mask), expected, atol=1e-6)
    assert model.tokenizer is not None
    assert model.tokenizer("low tone")["input_ids"] == tokenizer()("low tone")["input_ids"]


def test_both_towers_meet_in_pengi(
    gpt: GPT2LMHeadModel, clip_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "reader").mkdir()
    fetch(CLIP, tmp_path / "reader")
    tower = TextTower.from_pretrained(tmp_path / "reader" / "model")
    with serving(Hub(GPT.hub, COMMIT, files(gpt, tmp_path / "gpt"))) as hub:
        use(hub, tmp_path, monkeypatch)
        (tmp_path / "language").mkdir()
        fetch(GPT, tmp_path / "language")
    clap = Clap(tower.config, tower.tokenizer)
    model = joined(clap, Language.from_pretrained(tmp_path / "language" / "model")).eval()
    found = model.generate(torch.zeros(1, TINY.samples), "this is a sound of", max_new_tokens=3)
    assert found[0].score < 0


def test_a_flipped_byte_is_refused_and_fetched_anew(gpt_hub: Hub, tmp_path: Path):
    gpt_hub.damaged.add("model.safetensors")
    with pytest.raises(PretrainedError, match=r"model\.safetensors: expected hash .* is deleted"):
        fetch(GPT, tmp_path)
    assert not (tmp_path / "model").exists()
    gpt_hub.damaged.clear()
    fetch(GPT, tmp_path)
    assert (tmp_path / "model").is_dir()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"revision": "b" * 40}, "the hub said: .*Check name and revision"),
        ({"hub": "openai-community/gpt9"}, "the hub said: .*Check name and revision"),
        ({"size": "small"}, "is no language_model of size small: n_head 4, expected 6"),
        ({"part": "text_encoder"}, "expected the weights of a text_encoder of size tiny, found"),
    ],
)
def test_what_is_not_the_model_is_refused(
    change: dict[str, Any], said: str, gpt_hub: Hub, tmp_path: Path
):
    with pytest.raises(PretrainedError, match=said):
        fetch(replace(GPT, **change), tmp_path)
    assert not (tmp_path / "model").exists()


def test_a_pickle_of_other_things_is_refused(gpt_hub: Hub, tmp_path: Path):
    torch.save({"weight": print}, tmp_path / "pytorch_model.bin")
    gpt_hub.files["pytorch_model.bin"] = (tmp_path / "pytorch_model.bin").read_bytes()
    del gpt_hub.files["model.safetensors"]
    with pytest.raises(PretrainedError, match="expected plain tensors, found other objects"):
        fetch(GPT, tmp_path)


def test_a_revision_without_weights_is_named(gpt_hub: Hub, tmp_path: Path):
    del gpt_hub.files["model.safetensors"]
    with pytest.raises(PretrainedError, match=r"expected model\.safetensors or pytorch_model"):
        fetch(GPT, tmp_path)


def test_without_a_network_a_trainer_says_so_in_one_paragraph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    hub = Hub(GPT.hub, COMMIT, {})
    with serving(hub):
        use(hub, tmp_path, monkeypatch)
    folder = write_spec(tmp_path / "run", "pretrained", GPT, {"pairs": [], "waves": []})
    assert main([str(folder)]) == 1
    told = capsys.readouterr().err
    assert f"is not in the cache, and the hub {hub.url} does not answer" in told
    assert told.count("\n") == 1
