"""Probes against scikit-learn: logistic regression on the same features, its average precision."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from pengi_model.config import SMALL
from pengi_model.mel import LogMel
from pengi_model.probe import Examples, Fold, ProbeSettings, mean_average_precision, probed


def fold(features, targets, sizes) -> Fold:
    """The first clips to train on, the next to stop by, the rest to test."""
    x = torch.as_tensor(features, dtype=torch.float32)
    y = torch.as_tensor(targets, dtype=torch.float32)
    train, stop = sizes
    return Fold(Examples(x[:train], y[:train]), Examples(x[train:stop], y[train:stop]), x[stop:])


def regression(train_x, train_y, test_x) -> np.ndarray:
    mean, std = train_x.mean(0), train_x.std(0) + 1e-6
    fitted = LogisticRegression(max_iter=2000).fit((train_x - mean) / std, train_y)
    return fitted.predict((test_x - mean) / std)


def test_one_layer_is_as_good_as_logistic_regression():
    x, y = make_blobs(600, n_features=16, centers=5, cluster_std=4.0, random_state=0)
    (logits,) = probed([fold(x, np.eye(5)[y], (300, 400))], ProbeSettings(1), False, 0)
    ours = (logits.argmax(1).numpy() == y[400:]).mean()
    theirs = (regression(x[:300], y[:300], x[400:]) == y[400:]).mean()
    assert 0.7 < theirs < 1.0
    assert ours == pytest.approx(theirs, abs=0.03)


@pytest.mark.slow
def test_one_layer_is_as_good_as_logistic_regression_on_real_sounds(shared_data):
    import soundfile
    import soxr

    paths = sorted((shared_data / "ESC-10").rglob("*.ogg"))
    assert len(paths) == 240
    log_mel, rows = LogMel(SMALL.mel), []
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32")
        wave = soxr.resample(samples if samples.ndim == 1 else samples.mean(1), rate, 44_100)
        mel = log_mel(torch.from_numpy(wave)[None])[0, 0]
        rows.append(torch.cat((mel.mean(0), mel.std(0))).numpy())
    names = sorted({path.parent.name for path in paths})
    y = np.array([names.index(path.parent.name) for path in paths])
    order = np.random.default_rng(0).permutation(len(y))
    x, y = np.stack(rows)[order], y[order]
    (logits,) = probed([fold(x, np.eye(len(names))[y], (120, 160))], ProbeSettings(1), False, 0)
    ours = (logits.argmax(1).numpy() == y[160:]).mean()
    theirs = (regression(x[:120], y[:120], x[160:]) == y[160:]).mean()
    assert theirs > 0.5
    assert ours == pytest.approx(theirs, abs=0.1)


def test_hidden_layers_learn_what_one_layer_cannot():
    x = np.random.default_rng(0).uniform(-1, 1, (600, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)  # exclusive or
    right = {}
    for layers in (1, 2, 3):
        wide = np.tile(x, 16)  # hidden layers are as wide as the features
        (logits,) = probed([fold(wide, np.eye(2)[y], (400, 500))], ProbeSettings(layers), False, 0)
        right[layers] = (logits.argmax(1).numpy() == y[500:]).mean()
    assert right[1] < 0.7
    assert right[2] > 0.9 and right[3] > 0.9


def test_several_labels_a_clip_are_ranked():
    draw = np.random.default_rng(1)
    x = draw.normal(size=(500, 12))
    y = (x @ draw.normal(size=(12, 4)) + draw.normal(size=(500, 4)) > 1).astype(int)
    (logits,) = probed([fold(x, y, (300, 400))], ProbeSettings(1), True, 0)
    each = [
        LogisticRegression().fit(x[:300], y[:300, k]).decision_function(x[400:]) for k in range(4)
    ]
    theirs = average_precision_score(y[400:], np.stack(each, 1), average="macro")
    ours = average_precision_score(y[400:], logits.numpy(), average="macro")
    assert ours == pytest.approx(theirs, abs=0.03)


def test_average_precision_is_scikit_learns_over_the_labels_that_occur():
    draw = np.random.default_rng(2)
    scores, targets = draw.normal(size=(40, 7)), (draw.random((40, 7)) < 0.2).astype(int)
    targets[:, 3] = 0
    kept = targets.any(0)
    theirs = average_precision_score(targets[:, kept], scores[:, kept], average="macro")
    found = mean_average_precision(torch.tensor(scores), torch.tensor(targets).float())
    assert found == pytest.approx(theirs)


def test_the_same_seed_gives_the_same_probe_and_every_fold_is_answered():
    x, y = make_blobs(90, n_features=8, centers=3, random_state=3)
    folds = [fold(np.roll(x, k, 0), np.roll(np.eye(3)[y], k, 0), (50, 70)) for k in (0, 20, 40)]
    first = probed(folds, ProbeSettings(2), False, 5)
    again = probed(folds, ProbeSettings(2), False, 5)
    other = probed(folds, ProbeSettings(2), False, 6)
    assert [len(logits) for logits in first] == [20, 20, 20]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
