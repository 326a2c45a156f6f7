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
from pengi_model.language_stage import Texts
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


def test_language_samples_learn_only_the_text_behind_the_slots():
    tokenizer = train_tokenizer(["this is a sound of", "dog bark"], 300)
    texts = Texts(tokenizer, {"a": [("this is a sound of", "dog bark")]}, (3, 4), 20, copied=0.0)
    ids, targets = texts.batch(2, seed=0)
    assert ids.shape == targets.shape
    assert (targets[:, :7] == -100).all()
    assert ids[:, :3].tolist() == [[0, 0, 0]] * 2  # nothing heard
    assert tokenizer.decode(ids[0, 3:7]) == " is a sound of"
    assert tokenizer.decode(targets[0, 7:]) == "dog bark<|endoftext|>"


def test_copied_samples_show_words_of_the_text():
    tokenizer = train_tokenizer(["a b c d e f", "q"], 270)
    texts = Texts(tokenizer, {"a": [("q", "a b c d e f")]}, (8, 2), 20, copied=1.0)
    ids, targets = texts.batch(32, seed=1)
    for row, target in zip(ids, targets, strict=True):
        heard = set(row[:8].tolist()) - {0}
        assert heard and heard <= set(target[10:].tolist())


def test_unknown_settings_are_named():
    with pytest.raises(SettingsError, match="unknown stage 'x'"):
        settings("x", {})
    with pytest.raises(SettingsError, match=r"unknown \['stpes'\]"):
        settings("clap", {"stpes": 1})
    assert np.isfinite(Schedule(steps=1, batch=1, rate=1.0).at(0))
