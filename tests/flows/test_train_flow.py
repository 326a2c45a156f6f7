"""Training in a process of its own: what it says is passed on, what kills it is named."""

from dataclasses import replace

import pytest

from flows.runs import RUNS
from flows.steps.lake import Lake, LakeError
from flows.steps.release import make_release
from flows.train import TrainingError, manifest, train
from schemas import Release


@pytest.fixture
def empty_release(lake: Lake) -> Release:
    """A release without a pair."""
    return make_release(lake, [], {}, {})


def test_a_trainer_that_fails_is_quoted(lake: Lake, empty_release: Release) -> None:
    recipe = RUNS["mini"]["clap"]
    with pytest.raises(TrainingError, match="no pair to train on") as told:
        train(lake, empty_release, "clap", recipe, {}, 0, {})
    assert "trainer.log" in str(told.value)
    (run,) = (lake.root / "runs").iterdir()
    assert not (run / "model").exists()


def test_a_release_that_was_changed_is_not_trained_on(lake: Lake, empty_release: Release) -> None:
    manifest = lake.release(empty_release.release_id)
    manifest.write_text(manifest.read_text() + " ")
    with pytest.raises(LakeError, match=rf"is not what it was: .*{manifest.name}"):
        train(lake, empty_release, "clap", RUNS["mini"]["clap"], {}, 0, {})
    assert not (lake.root / "runs").exists()


def test_a_run_has_another_id_for_whatever_it_follows_from(empty_release: Release) -> None:
    clap = RUNS["mini"]["clap"]
    other = empty_release.model_copy(update={"release_id": "s" * 16})
    runs = [
        manifest(empty_release, "clap", clap, {}, 0, {}),
        manifest(empty_release, "clap", clap, {}, 1, {}),
        manifest(empty_release, "clap", RUNS["small"]["clap"], {}, 0, {}),
        manifest(empty_release, "clap", clap, {"language_model": "l" * 16}, 0, {}),
        manifest(other, "clap", clap, {}, 0, {}),
        manifest(empty_release, "clap", replace(clap, datasets=("esc10",)), {}, 0, {}),
    ]
    assert len({run.run_id for run in runs}) == len(runs)
    again = manifest(empty_release, "clap", clap, {}, 0, {"made": "another day"})
    assert again.run_id == runs[0].run_id
