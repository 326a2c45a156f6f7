"""Configuration, training parts, checkpoints and the interface, on tiny models."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers.models.clap.modeling_clap import ClapAudioLayer, ClapDropPath

from pengi_model import Clap, ModelConfig, Pengi
from pengi_model.checkpoint import CheckpointError
from pengi_model.config import PAPER, RELEASED, SMALL, TINY, WRAPPER, without_text_encoder
from pengi_model.encoders import AudioEncoder, htsat, spec_augment
from pengi_model.mapping import MappingNetwork
from pengi_model.text import TokenizerError
from pengi_model.tokens import train_tokenizer

TEXTS = ["this is a sound of dog bark", "generate audio caption", "a dog barks while rain falls"]
TOKENS = train_tokenizer(TEXTS, 300)
SIZES = [PAPER, RELEASED, WRAPPER, SMALL, TINY, without_text_encoder(TINY)]


def tiny(config: ModelConfig = TINY) -> Pengi:
    torch.manual_seed(0)
    end = TOKENS.eos_token_id
    return Pengi(config.with_tokens(len(TOKENS), end, end), TOKENS).eval()


@pytest.fixture(scope="module", params=["text encoder", "no text encoder"])
def model(request: pytest.FixtureRequest) -> Iterator[Pengi]:
    yield tiny(TINY if request.param == "text encoder" else without_text_encoder(TINY))


@pytest.fixture(scope="module")
def waves() -> torch.Tensor:
    return 0.1 * torch.randn(3, TINY.samples, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("config", SIZES)
def test_configuration_survives_json(config: ModelConfig) -> None:
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def parameters(module: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def test_paper_parts_have_the_published_number_of_parameters() -> None:
    # reference/baseline.md: 31,325,143 with STFT kernels and mel matrix (1,083,456), unused head
    # (278,256) and token-semantic convolution (2,428,943), which are not built here.
    with torch.device("meta"):
        encoder = htsat(PAPER.audio, PAPER.mel.bands)
        audio = MappingNetwork(PAPER.audio_mapping, 1024, 768)
        sequence = MappingNetwork(PAPER.text_mapping, None, 768)
    assert parameters(encoder) == 31_325_143 - 1_083_456 - 278_256 - 2_428_943
    assert parameters(audio) == 50_417_664
    assert parameters(sequence) == 18_929_664


def test_tiny_and_small_fill_their_image() -> None:
    for config, most in ((TINY, 2.5e6), (SMALL, 5.4e6)):
        encoder = AudioEncoder(config)
        frames = config.samples // config.mel.hop + 1
        assert frames <= encoder.frames
        assert parameters(encoder) < most


def test_spec_augment_zeroes_stripes() -> None:
    torch.manual_seed(0)
    found = spec_augment(torch.ones(200, 64, 965, 1))[..., 0]
    rows, columns = (found == 0).all(2).sum(1), (found == 0).all(1).sum(1)
    assert rows.max() <= 14 and columns.max() <= 126  # two stripes of at most 7 and 63
    assert rows.float().mean() == pytest.approx(7, abs=1)
    assert columns.float().mean() == pytest.approx(63, abs=6)
    assert bool((found[0] != 0).any())


def test_stochastic_depth_grows_linearly_on_both_branches() -> None:
    with torch.device("meta"):
        encoder = htsat(PAPER.audio, PAPER.mel.bands)
    blocks = [block for block in encoder.modules() if isinstance(block, ClapAudioLayer)]
    expected = torch.linspace(0, 0.1, 12).tolist()
    for block, rate in list(zip(blocks, expected, strict=True))[1:]:
        on_mlp = [m for m in block.output.modules() if isinstance(m, ClapDropPath)]
        assert [block.drop_path.drop_prob, *(m.drop_prob for m in on_mlp)] == [rate, rate]


def test_eval_mode_is_deterministic_and_train_mode_augments(waves: torch.Tensor) -> None:
    torch.manual_seed(0)
    encoder = AudioEncoder(replace(TINY, audio=replace(TINY.audio, spec_augment=True))).eval()
    assert torch.equal(encoder.features(waves), encoder.features(waves))
    encoder.train()
    assert not torch.equal(encoder.features(waves), encoder.features(waves))


def test_longer_input_is_the_mean_over_crops(waves: torch.Tensor) -> None:
    torch.manual_seed(0)
    audio = replace(TINY.audio, crop_frames=100, crop_hop=50)
    encoder = AudioEncoder(replace(TINY, audio=audio)).eval()
    mel = encoder.log_mel(waves[:, :70_000].repeat(1, 2))  # 406 frames, the image holds 256
    crops = [mel[:, :, start : start + 100] for start in (0, 50, 100, 150, 200, 250, 300)]
    expected = torch.stack([encoder.mel_features(crop) for crop in crops]).mean(0)
    torch.testing.assert_close(encoder.mel_features(mel), expected)
    assert encoder.train().mel_features(mel).shape == expected.shape


def test_the_linear_projection_of_the_paper() -> None:
    encoder = AudioEncoder(replace(TINY, projection_form="linear"))
    assert parameters(encoder.projection) == (256 + 1) * TINY.projection


def test_loss_is_the_mean_over_caption_tokens(model: Pengi, waves: torch.Tensor) -> None:
    ids, mask = model.caption_ids(["a dog barks", "rain"])
    prefix = model.prefix(waves[:2], "generate audio caption").clone()
    each = []
    for row in range(2):
        kept = int(mask[row].sum())
        sequence = torch.cat((prefix[row], model.language_model.transformer.wte(ids[row, :kept])))
        logits = model.language_model(inputs_embeds=sequence[None]).logits[0].log_softmax(-1)
        each += [-logits[len(prefix[row]) - 1 + i, ids[row, i]] for i in range(kept)]
    torch.testing.assert_close(model.loss(prefix, ids, mask), torch.stack(each).mean())
    assert ids[mask == 1][-1] == TOKENS.eos_token_id


def test_gradients_reach_every_trainable_part(waves: torch.Tensor) -> None:
    model = tiny().train()
    model.language_model.requires_grad_(False)
    model(waves, model.prompt_ids(["this is a sound of"] * 3), model.caption_ids(TEXTS)).backward()
    without = [name for name, w in model.named_parameters() if w.requires_grad and w.grad is None]
    assert without == []


def test_prompt_normalisation_is_a_switch(waves: torch.Tensor) -> None:
    model = tiny()
    text = model.text_vector(*model.prompt_ids(["generate audio caption"] * 3))
    audio = model.audio_encoder(waves)
    scaled = model.prefix_from(audio, 5 * text)
    torch.testing.assert_close(model.prefix_from(3 * audio, text), scaled, rtol=0, atol=1e-4)
    model.config = replace(model.config, normalise_text=False)
    assert not torch.allclose(model.prefix_from(audio, 5 * text), scaled, atol=1e-2)


def test_generate_matches_one_by_one(model: Pengi, waves: torch.Tensor) -> None:
    prompts = ["generate audio caption", "this is a sound of", "generate audio caption"]
    added = ["a dog", "rain falls while", "a dog"]
    together = model.generate(waves, prompts, added, beam_size=3, max_new_tokens=5)
    for clip in range(3):
        alone = model.generate(waves[[clip]], prompts[clip], [added[clip]], 3, 5)[0]
        assert alone.text == together[clip].text
        assert alone.score == pytest.approx(together[clip].score, abs=1e-4)


def test_generate_refuses_lists_of_different_length(model: Pengi, waves: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"prompts: expected one per clip \(3\), found 2"):
        model.generate(waves, ["a", "b"])


def test_embeddings_are_unit_vectors(model: Pengi, waves: torch.Tensor) -> None:
    torch.testing.assert_close(model.audio_embedding(waves).norm(dim=1), torch.ones(3))
    if model.text_encoder is None:
        with pytest.raises(ValueError, match="no text encoder"):
            model.text_embedding(["a dog"])
        return
    assert model.text_embedding(["a dog", "rain"]).shape == (2, TINY.projection)
    assert model.text_embedding(["a dog"], space="clip").shape == (1, model.config.text.width)  # type: ignore[union-attr]


def test_likelihood_is_the_negative_loss(model: Pengi, waves: torch.Tensor) -> None:
    found = model.log_likelihood(waves, "this is a sound of", ["dog bark", "rain"])
    ids, mask = model.caption_ids(["dog bark"])
    prefix = model.prefix(waves[:1], "this is a sound of").clone()
    torch.testing.assert_close(found[0, 0], -model.loss(prefix, ids, mask))


def test_a_saved_model_answers_the_same(model: Pengi, waves: torch.Tensor, tmp_path: Path) -> None:
    model.audio_encoder.log_mel.mean.fill_(-40.0)
    model.save_pretrained(tmp_path / "a")
    loaded = Pengi.from_pretrained(tmp_path / "a")
    assert loaded.config == model.config and not loaded.training
    prompt = "generate audio caption"
    assert torch.equal(loaded.prefix(waves, prompt), model.prefix(waves, prompt))
    assert loaded.generate(waves, prompt) == model.generate(waves, prompt)
    loaded.save_pretrained(tmp_path / "b")
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_saved_clap_scores_the_same(waves: torch.Tensor, tmp_path: Path) -> None:
    end = TOKENS.eos_token_id
    clap = Clap(TINY.with_tokens(len(TOKENS), end, end), TOKENS).eval()
    logits = clap(waves, *clap.prompt_ids(TEXTS))
    cosine = clap.audio_embedding(waves) @ clap.text_embedding(TEXTS).T
    torch.testing.assert_close(logits, cosine / 0.07)
    clap.save_pretrained(tmp_path / "clap")
    loaded = Clap.from_pretrained(tmp_path / "clap")
    assert torch.equal(loaded(waves, *loaded.prompt_ids(TEXTS)), logits)


def test_checkpoint_folders_are_checked(model: Pengi, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"expected config\.json"):
        Pengi.from_pretrained(tmp_path)
    model.save_pretrained(tmp_path / "model")
    with pytest.raises(CheckpointError, match="is not empty"):
        model.save_pretrained(tmp_path / "model")
    with pytest.raises(CheckpointError, match="expected kind 'clap'"):
        Clap.from_pretrained(tmp_path / "model")


def test_a_model_without_tokenizer_says_so(waves: torch.Tensor) -> None:
    model = Pengi(TINY)
    assert model.audio_embedding(waves).shape == (3, TINY.projection)
    with pytest.raises(TokenizerError, match="no prompt tokenizer"):
        model.generate(waves, "generate audio caption")
