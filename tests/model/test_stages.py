"""Parts of the trainings against formulas written out by hand, and transformers' CLIP loss."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers.models.clip.modeling_clip import image_text_contrastive_loss

from pengi_model.augment import augmented
from pengi_model.clap_stage import contrastive, wanted
from pengi_model.config import TINY
from pengi_model.encoders import Clap
from pengi_model.joining import joined
from pengi_model.language_stage import Drawn, Language, Steering, Texts
from pengi_model.settings import Augment, Schedule, SettingsError, settings
from pengi_model.tokens import train_tokenizer


def test_contrastive_loss_is_clips():
    logits = torch.randn(7, 7, generator=torch.Generator().manual_seed(0))
    found = contrastive(logits, wanted(np.arange(7), same_text=True)).mean()
    assert found.item() == pytest.approx(image_text_contrastive_loss(logits).item(), rel=1e-6)
    assert torch.equal(wanted(np.zeros(2, np.int64), same_text=False), torch.eye(2))


def test_equal_texts_share_the_target():
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
    found = contrastive(logits, wanted(np.array([0, 0, 1]), same_text=True)).mean()
    soft = lambda row: [x - math.log(sum(map(math.exp, row))) for x in row]  # noqa: E731
    by_audio = [soft(row) for row in logits.tolist()]
    by_text = [soft(row) for row in logits.T.tolist()]
    each = [
        -sum((r[0][0] + r[0][1]) / 2 + (r[1][0] + r[1][1]) / 2 + r[2][2] for r in (side,)) / 3
        for side in (by_audio, by_text)
    ]
    assert found.item() == pytest.approx(sum(each) / 2, rel=1e-5)


def test_schedule_warms_up_and_ends_near_zero():
    schedule = Schedule(steps=100, batch=1, rate=2.0, warmup=10)
    assert [schedule.at(step) for step in (0, 4, 9)] == pytest.approx([0.2, 1.0, 2.0])
    assert schedule.at(55) == pytest.approx(1.0)
    assert schedule.at(99) < 0.001


def test_schedule_in_a_line_and_by_epochs():
    schedule = Schedule(steps=100, batch=8, rate=2.0, warmup=20, shape="linear")
    assert [schedule.at(step) for step in (9, 20, 60, 100)] == pytest.approx([1.0, 2.0, 1.0, 0.0])
    assert replace(schedule, epochs=3).over(pairs=21).steps == 8  # 63 samples in batches of 8
    assert schedule.over(pairs=21) == schedule


def test_augmentation_off_changes_nothing_and_roll_only_rotates():
    mel = torch.randn(3, 1, 20, 8)
    draw = torch.Generator().manual_seed(1)
    assert torch.equal(augmented(mel, Augment(), 10.0, draw), mel)
    rolled = augmented(mel, Augment(roll=True), 10.0, draw)
    for before, after in zip(mel[:, 0], rolled[:, 0], strict=True):
        assert any(torch.equal(after, before.roll(shift, 0)) for shift in range(20))


def test_gain_and_tilt_stay_in_their_range():
    mel = torch.zeros(200, 1, 4, 8)
    found = augmented(mel, Augment(gain=6.0), 2.0, torch.Generator().manual_seed(1)) * 2.0
    assert 5.0 < found.abs().max() <= 6.0
    found = augmented(mel, Augment(tilt=6.0), 1.0, torch.Generator().manual_seed(1))
    slope = found[:, 0, 0, -1] - found[:, 0, 0, 0]
    assert 5.0 < slope.abs().max() <= 6.0


def test_masks_are_no_wider_than_asked():
    found = augmented(
        torch.ones(50, 1, 40, 20),
        Augment(masks=1, time_mask=0.25, mel_mask=0.2),
        1.0,
        torch.Generator().manual_seed(0),
    )
    masked_frames = (found[:, 0].sum(2) == 0).sum(1)
    masked_bands = (found[:, 0].sum(1) == 0).sum(1)
    assert 5 < masked_frames.max() <= 10
    assert 2 <= masked_bands.max() <= 4


def test_draws_follow_the_sounds_to_their_device():
    with FakeTensorMode(allow_non_fake_inputs=True):  # says where tensors meet; needs no GPU
        mel = torch.empty(2, 1, 40, 20, device="cuda")
        how = Augment(True, 3.0, 3.0, 1.0, masks=1, time_mask=0.2, mel_mask=0.2)
        found = augmented(mel, how, 10.0, torch.Generator())
    assert found.device.type == "cuda" and found.shape == mel.shape


def _texts(copied: float, dropped: float) -> Texts:
    tokenizer = train_tokenizer(["this is a sound of", "dog bark"], 300)
    return Texts(tokenizer, {"a": [("this is a sound of", "dog bark")]}, 20, copied, dropped)


def test_a_language_sample_hears_the_words_it_is_to_write():
    drawn = _texts(copied=1.0, dropped=0.0).batch(2, seed=0)
    decode = train_tokenizer(["this is a sound of", "dog bark"], 300).decode
    assert [decode(row) for row in drawn.heard] == [" dog bark"] * 2
    assert [decode(row) for row in drawn.prompt] == [" this is a sound of"] * 2
    assert [decode(row) for row in drawn.text] == [" dog bark<|endoftext|>"] * 2
    assert all(mask.all() for mask in (drawn.heard_mask, drawn.prompt_mask, drawn.text_mask))


def test_shares_of_what_is_heard():
    assert _texts(copied=0.0, dropped=0.0).batch(8, seed=0).heard_mask.sum() == 0
    heard = _texts(copied=1.0, dropped=0.3).batch(400, seed=0).heard_mask > 0
    assert heard.sum().item() / (400 * 2) == pytest.approx(0.7, abs=0.05)  # of two words each
    told = _texts(copied=0.6, dropped=0.0).batch(400, seed=0).heard_mask.any(dim=1)
    assert told.float().mean().item() == pytest.approx(0.6, abs=0.08)


def test_a_word_that_tells_texts_apart_is_heard_louder():
    tokenizer = train_tokenizer(["pitch 40", "pitch 44"] * 9, 300)
    drawn = Texts(tokenizer, {"n": [("q", "pitch 40"), ("q", "pitch 44")]}, 9, 1.0, 0.0).batch(9, 0)
    tokens = [tokenizer.convert_ids_to_tokens(row) for row in drawn.heard.tolist()]
    assert {tuple(row) for row in tokens} == {("Ġpitch", "Ġ40"), ("Ġpitch", "Ġ44")}
    expected = torch.tensor([math.log(3 / 2), math.log(3)]).expand(9, 2)
    torch.testing.assert_close(drawn.heard_mask, expected)


def test_a_bag_is_the_direction_of_the_sum_of_what_is_heard():
    steering = Steering(TINY.with_tokens(3, 0, 0))
    with torch.no_grad():
        steering.words.weight.zero_()
        steering.words.weight[1, 0], steering.words.weight[2, 1] = 3.0, 4.0
    ids, mask = torch.tensor([[1, 2], [1, 2], [1, 2]]), torch.tensor([[1, 1], [0, 1], [0, 0]])
    found = steering.bag(ids, mask)[:, :2]
    expected = torch.tensor([[0.6, 0.8], [0.0, 1.0], [0.0, 0.0]])  # 3, 4, 5
    torch.testing.assert_close(found, expected)


def test_the_language_model_is_scored_on_its_text_alone():
    tokenizer = train_tokenizer(["a b"], 260)
    torch.manual_seed(0)
    model = Language(TINY.with_tokens(len(tokenizer), 0, 0).steered(), tokenizer).eval()
    drawn = Texts(tokenizer, {"t": [("a", "b"), ("a", "a a a b")]}, 20, 1.0, 0.0).batch(4, 3)
    assert len(set(drawn.text_mask.sum(1).tolist())) == 2  # both texts, so one is padded
    each = [model.loss(Drawn(*(part[row : row + 1] for part in drawn))).item() for row in range(4)]
    count = drawn.text_mask.sum(1)
    mean = sum(loss * n.item() for loss, n in zip(each, count, strict=True)) / count.sum().item()
    assert model.loss(drawn).item() == pytest.approx(mean, rel=1e-4)


def test_pengi_begins_with_what_steered_the_language_model():
    tokenizer = train_tokenizer(["a b"], 260)
    size = TINY.with_tokens(len(tokenizer), 0, 0)
    language = Language(size.steered(), tokenizer)
    model = joined(Clap(size, tokenizer), language)
    steering = language.steering
    assert steering is not None
    for mine, theirs in (
        (model.audio_mapping, steering.audio_mapping),
        (model.text_mapping, steering.text_mapping),
    ):
        found, wanted_ = dict(mine.named_parameters()), dict(theirs.named_parameters())
        same = {name for name, value in found.items() if torch.equal(value, wanted_[name])}
        assert set(found) - same == {"linear.weight", "linear.bias"}
    fresh = joined(Clap(size, tokenizer), Language(size, tokenizer))
    assert not model.config.language.steered and fresh.config == model.config


def test_unknown_settings_are_named():
    with pytest.raises(SettingsError, match="unknown stage 'x'"):
        settings("x", {})
    with pytest.raises(SettingsError, match=r"unknown \['stpes'\]"):
        settings("clap", {"stpes": 1})
    assert np.isfinite(Schedule(steps=1, batch=1, rate=1.0).at(0))
