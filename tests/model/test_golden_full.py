"""The released models, full size, with seeded weights against all golden values of the reference.

Every array of its two files is looked up by a test: the last one counts them.
"""

import zlib
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import seeded
from pengi_model.beams import Beams, beam_search
from pengi_model.likelihood import after
from pengi_model.model import Pengi

pytestmark = pytest.mark.slow
LOW_GAP = 2e-4  # below it two hypotheses are as close as float noise


@pytest.fixture(scope="module", params=["base", "base_no_text_enc"])
def reference(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    """A released file of seeded weights, loaded, and everything the tests share of its output."""
    path = tmp_path_factory.mktemp("released") / "model.pth"
    weights = seeded.state(request.param.replace("base_", ""))
    torch.save({"model": {f"module.{name}": value for name, value in weights.items()}}, path)
    head = [weights[f"audio_encoder.base.htsat.tscam_conv.{name}"] for name in ("weight", "bias")]
    del weights
    model = Pengi.from_released(path, tokenizer=None, prompt_tokenizer=None)
    path.unlink()
    gold = seeded.Gold(request.param)
    ids = torch.from_numpy(gold["prompt_input_ids"])
    mask = torch.from_numpy(gold["prompt_attention_mask"])
    with torch.inference_mode():
        audio = model.audio_encoder(seeded.waves())
        text = model.text_vector(ids, mask)
        wrapper = torch.stack([model.prefix_from(audio, text[[p] * 3]) for p in (0, 1)], dim=1)
    yield SimpleNamespace(
        name=request.param, model=model, gold=gold, ids=ids, mask=mask, head=head,
        audio=audio, text=text, wrapper=wrapper,
    )  # fmt: skip


def close(ref: SimpleNamespace, key: str, found: torch.Tensor, atol: float) -> None:
    """Compare with a golden array, or with the part of it; -rP or -s shows the difference."""
    if key not in ref.gold.file.files:
        key, found = f"{key}__part", found[:, ::4, ::16]
    expected = ref.gold[key]
    difference = np.abs(found.detach().numpy().astype(np.float64) - expected)
    print(f"{ref.name} {key}: {difference.max():.2e} (values to {np.abs(expected).max():.3g})")
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=0, atol=atol)


def same_stats(ref: SimpleNamespace, key: str, tensor: torch.Tensor) -> None:
    """The six numbers of a whole tensor, each on its own scale."""
    x = tensor.detach().numpy().astype(np.float64).ravel()
    mean, std, low, high, total, cosine = ref.gold[f"{key}__stats"]
    size = total / x.size
    assert abs(x.mean() - mean) < 1e-4 * size
    assert abs(x.std(ddof=1) - std) < 1e-4 * std
    assert abs(x.max() - high) < 1e-4 * max(size, abs(high))
    if key != "power_spec":  # its minimum is rounding noise
        assert abs(x.min() - low) < 1e-4 * max(size, abs(low))
    assert abs(np.abs(x).sum() - total) < 1e-4 * total
    scale = max(abs(cosine), std * np.sqrt(x.size / 2))
    assert abs((x * np.cos(np.arange(x.size))).sum() - cosine) < 1e-4 * scale


def both(
    ref: SimpleNamespace,
    key: str,
    whole: torch.Tensor,
    part: torch.Tensor | None,
    atol: float,
) -> None:
    """An excerpt (or, without one, all) by value, the whole tensor by its statistics."""
    if part is None:
        close(ref, key, whole, atol)
    else:
        close(ref, f"{key}__excerpt", part, atol)
    same_stats(ref, key, whole)


def test_sounds_are_those_of_the_reference(reference: SimpleNamespace) -> None:
    for k in range(3):
        sound = seeded.sound(k)
        np.testing.assert_array_equal(sound[:64], reference.gold[f"audio{k}_first64_int16"])
        assert zlib.crc32(sound.tobytes()) == reference.gold[f"audio{k}_crc32"]


@torch.inference_mode()
def test_every_stage_of_the_audio_encoder(reference: SimpleNamespace) -> None:
    if reference.name != "base":
        pytest.skip("base.npz alone holds the stages; the audio encoder is the same")
    close(reference, "melW_full", reference.model.audio_encoder.log_mel.matrix, 0)
    mel, htsat = reference.model.audio_encoder.log_mel, reference.model.audio_encoder.htsat
    waves, frames = seeded.waves(), [0, 1, 480, 964]
    power = mel.power(waves)
    scale = power[:, frames].amax(-1, keepdim=True).numpy()
    relative = np.abs(power[:, frames].numpy() - reference.gold["power_spec__excerpt"]) / scale
    assert relative.max() < 1e-5
    same_stats(reference, "power_spec", power)
    decibel = mel.decibel(waves)
    rows = [*range(6), *range(480, 486), *range(959, 965)]
    both(reference, "logmel", decibel, decibel[:, rows], 1e-3)
    encoder = htsat.audio_encoder
    normed = encoder.batch_norm(decibel[:, None].transpose(1, 3)).transpose(1, 3)
    both(reference, "bn0", normed[:, 0], normed[:, 0, frames], 1e-4)
    image = encoder.reshape_mel2img(normed)[:, 0]
    both(reference, "image", image, image[:, ::17, ::5], 1e-4)
    output = htsat(mel(waves), output_hidden_states=True)
    names = ["patch_embed", "layer0", "layer1", "layer2", "layer3"]
    for name, hidden in zip(names, output.hidden_states, strict=True):
        tokens = hidden.flatten(2).transpose(1, 2)
        places = [0, 1, tokens.shape[1] // 2, tokens.shape[1] - 1]
        both(reference, f"htsat_{name}", tokens, tokens[:, places, ::7], 1e-4)
    grid = output.last_hidden_state.view(3, 768, 2, 4, 8)  # f, chunk, t: token (2 chunk + f, t)
    tokens = grid.transpose(2, 3).flatten(2).mT
    both(reference, "htsat_final_norm", tokens, tokens[:, [0, 1, 32, 63], ::7], 1e-4)
    both(reference, "htsat_embedding", output.pooler_output, None, 1e-4)
    logits = class_logits(reference, output.last_hidden_state)
    both(reference, "htsat_clipwise", logits.mean(-1).sigmoid(), None, 1e-5)
    framewise = logits.sigmoid().repeat_interleave(32, -1).mT
    both(reference, "htsat_framewise", framewise, framewise[:, [0, 500, 1023], ::9], 1e-5)


def class_logits(ref: SimpleNamespace, hidden: torch.Tensor) -> torch.Tensor:
    """Scores (clips, 527, 32) of the head that the released model computes and does not use."""
    return F.conv2d(hidden, *ref.head, padding=(0, 1)).flatten(2)


@torch.inference_mode()
def test_longer_audio_is_cropped_and_shorter_is_stretched(reference: SimpleNamespace) -> None:
    if reference.name != "base":
        pytest.skip("base.npz alone holds these")
    waves = seeded.waves()
    long = torch.cat((waves[0], waves[1, :132_300]))[None]
    encoder = reference.model.audio_encoder
    both(reference, "htsat_embedding_long10s", encoder.features(long), None, 1e-4)
    both(reference, "htsat_embedding_short2s", encoder.features(waves[:1, :88_200]), None, 1e-4)
    mel = encoder.log_mel(long)
    crops = [encoder.htsat(mel[:, :, at : at + 689]).last_hidden_state for at in (0, 344, 688)]
    scores = [class_logits(reference, crop).mean(-1).sigmoid() for crop in crops]
    both(reference, "htsat_clipwise_long10s", torch.stack(scores).mean(0), None, 1e-5)


@torch.inference_mode()
def test_projections(reference: SimpleNamespace) -> None:
    both(reference, "audio_projected", reference.audio, None, 1e-4)
    embedding = reference.model.audio_embedding(seeded.waves())
    both(reference, "audio_normalised", embedding, None, 1e-6)
    if reference.name != "base":
        both(reference, "text_embeds", reference.text, reference.text[:, ::4, ::16], 1e-6)
        return
    encoder = reference.model.text_encoder
    hidden = encoder.clip(input_ids=reference.ids, attention_mask=reference.mask).last_hidden_state
    both(reference, "clip_last_hidden", hidden, hidden[:, [0, 1, 4, 39], ::4], 1e-4)
    ends = (reference.ids == 49_407).int().argmax(1)
    both(reference, "clip_pooled", hidden[torch.arange(2), ends], None, 1e-4)
    pooled = encoder.pooled(reference.ids, reference.mask)
    both(reference, "clip_text_projection", pooled, None, 1e-4)
    both(reference, "text_projected", reference.text, None, 1e-4)


@torch.inference_mode()
def test_prefixes(reference: SimpleNamespace) -> None:
    both(reference, "audio_prefix", reference.wrapper[:, 0, :40], None, 1e-3)
    both(reference, "text_prefix_wrapper", reference.wrapper[0, :, 40:], None, 1e-3)
    prefix = prefixes(reference, normalised=True)
    if reference.name == "base":
        both(reference, "text_prefix_normalised", prefix[:, 40:], None, 1e-3)
    both(reference, "prefix_model", prefix, prefix[:, ::3, ::3], 1e-3)


def prefixes(ref: SimpleNamespace, normalised: bool) -> torch.Tensor:
    """Audio 0 with prompt 0 and audio 1 with prompt 1, on the model's or the wrapper's path."""
    released = ref.model.config
    ref.model.config = replace(released, normalise_text=normalised)
    try:
        return ref.model.prefix_from(ref.audio[:2], ref.text)
    finally:
        ref.model.config = released


@torch.inference_mode()
@pytest.mark.parametrize("path", ["model", "wrapper"])
def test_logits_and_losses(reference: SimpleNamespace, path: str) -> None:
    gold, model = reference.gold, reference.model
    prefix = prefixes(reference, normalised=path == "model")[:1]
    ids = torch.from_numpy(gold["caption_input_ids"])
    mask = torch.from_numpy(gold["caption_attention_mask"])
    sequence = torch.cat((prefix, model.language_model.transformer.wte(ids)), dim=1)
    logits = model.language_model(inputs_embeds=sequence).logits[0]
    places = gold[f"logits_{path}_pos"]
    close(reference, f"logits_{path}__excerpt", logits[places, ::97], 1e-2)
    same_stats(reference, f"logits_{path}", logits)
    best = logits[places].topk(10)
    close(reference, f"logits_{path}_top10_val", best.values, 1e-2)
    assert (best.indices.numpy() == gold[f"logits_{path}_top10_idx"]).mean() > 0.95
    log_probs = model.token_log_probs(prefix, ids)
    close(reference, f"token_logprob_{path}", log_probs[0], 1e-2)
    expected = {"masked": mask, "ignore_id0": (ids != 0).long(), "all77": torch.ones_like(ids)}
    for name, kept in expected.items():
        found, wanted = float(model.loss(prefix, ids, kept)), float(gold[f"loss_{path}_{name}"])
        print(f"{reference.name} loss_{path}_{name}: {abs(found - wanted):.2e}")
        assert found == pytest.approx(wanted, abs=1e-3)
    total = -float((log_probs * mask).sum())
    assert total == pytest.approx(float(gold[f"loss_{path}_sum_masked"]), abs=1e-2)
    found = float(after(model.language_model, prefix, ids, mask))
    assert found == pytest.approx(-float(gold[f"loss_{path}_sum_masked"]), abs=1e-2)


def same_beams(ref: SimpleNamespace, key: str, beams: Beams, row: int = 0) -> None:
    """Tokens exactly, scores within float noise; where hypotheses are that close, scores only."""
    tokens, scores = beams.tokens[row], beams.scores[row]
    close(ref, f"{key}_scores_sorted", scores, 2e-4)
    close(ref, f"{key}_scores_returned", scores, 2e-4)
    np.testing.assert_array_equal(beams.lengths[row].numpy(), ref.gold[f"{key}_lengths"])
    if ref.gold[f"{key}_min_gap"] > LOW_GAP:
        np.testing.assert_array_equal(tokens.numpy(), ref.gold[f"{key}_tokens"])
    equal = np.array_equal(tokens.numpy(), ref.gold[f"{key}_tokens"])
    print(f"{ref.name} {key}: tokens {'equal' if equal else 'differ'}")


@pytest.mark.parametrize("beams", [3, 5])
def test_beams_in_one_batch(reference: SimpleNamespace, beams: int) -> None:
    prefix = reference.wrapper.flatten(0, 1)
    found = beam_search(reference.model.language_model, prefix, beams, steps=8, stop=220)
    for row in range(6):
        key = f"beam_a{row // 2}_p{row % 2}_b{beams}"
        same_beams(reference, key, found, row)


@pytest.mark.parametrize("beams", [3, 5])
def test_beams_that_stop(reference: SimpleNamespace, beams: int) -> None:
    # Clip 1 goes on after clip 0 has finished, and must not change it.
    prefix = reference.wrapper[:2, 0]
    for kind in ("stop", "stopall") if reference.name == "base" else ("stop",):
        key = f"beam_{kind}_a0_p0_b{beams}"
        stop = int(reference.gold[f"{key}_stop_index"])
        found = beam_search(reference.model.language_model, prefix, beams, steps=12, stop=stop)
        same_beams(reference, key, found)


@pytest.mark.parametrize(("kind", "clip"), [("intended", 0), ("wrapper", 1)])
def test_beams_after_additional_text(reference: SimpleNamespace, kind: str, clip: int) -> None:
    gold, gpt = reference.gold, reference.model.language_model
    ids = gold["add_input_ids"] if kind == "intended" else gold["add_wrapper_char_ids"][[clip]]
    added = gpt.transformer.wte(torch.from_numpy(ids))
    prefix = torch.cat((reference.wrapper[[clip], 0], added), dim=1)
    found = beam_search(gpt, prefix, 3, steps=8, stop=220)
    same_beams(reference, f"beam_add_{kind}_a{clip}_p0_b3", found)


def test_every_golden_array_was_compared(
    request: pytest.FixtureRequest, reference: SimpleNamespace
) -> None:
    own = {name for name in globals() if name.startswith("test_")}
    if own - {getattr(item, "originalname", "") for item in request.session.items}:
        pytest.skip("not all of this module's tests were chosen")
    print(f"{reference.name}: {len(reference.gold.read)} arrays of {len(reference.gold)}")
    assert set(reference.gold) == reference.gold.read
