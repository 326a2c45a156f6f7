"""Model folders: what is in them, what is refused, and that nothing is loaded twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pengi_model import Clap, Pengi
from pengi_model.checkpoint import CheckpointError, without_weights
from pengi_model.config import PAPER, TINY
from pengi_model.released import ReleasedError


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    Pengi(TINY).save_pretrained(tmp_path / "model", card="## Data\n\nRelease `r1`; SPIDEr 0.4.\n")
    return tmp_path / "model"


def test_the_card_names_what_was_given(saved: Path, tmp_path: Path) -> None:
    card = (saved / "README.md").read_text()
    assert card.startswith("# Pengi\n") and card.endswith("## Data\n\nRelease `r1`; SPIDEr 0.4.\n")
    Clap(TINY).save_pretrained(tmp_path / "clap")
    assert "not recorded" in (tmp_path / "clap" / "README.md").read_text()


def test_tied_weights_stay_tied_and_are_stored_once(saved: Path) -> None:
    stored = load_file(saved / "model.safetensors")
    names = {"language_model.lm_head.weight", "language_model.transformer.wte.weight"}
    assert len(names & stored.keys()) == 1
    model = Pengi.from_pretrained(saved)
    assert model.language_model.lm_head.weight is model.language_model.transformer.wte.weight
    assert not any(weight.is_meta for weight in [*model.parameters(), *model.buffers()])
    loaded = model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in stored.items())


def test_half_precision_weights_become_float32(saved: Path) -> None:
    file = saved / "model.safetensors"
    stored = load_file(file)
    half = {name: v.half() if v.is_floating_point() else v for name, v in stored.items()}
    save_file(half, file)
    weights = Pengi.from_pretrained(saved).parameters()
    assert {weight.dtype for weight in weights} == {torch.float32}


def test_a_model_without_weights_takes_no_memory_and_others_are_as_ever() -> None:
    with without_weights():
        model = Pengi(PAPER)
    assert all(weight.is_meta for weight in model.parameters())
    assert not any(buffer.is_meta for buffer in model.buffers())
    assert not torch.nn.Linear(2, 2).weight.is_meta


def spoil(folder: Path, kind: str) -> None:
    weights, config = folder / "model.safetensors", folder / "config.json"
    if kind == "absent":
        weights.unlink()
    elif kind == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif kind == "other text":
        weights.write_text("not weights at all")
    elif kind == "config":
        config.write_text("{")
    elif kind == "field":
        values = json.loads(config.read_text())
        values["config"]["colour"] = "blue"
        config.write_text(json.dumps(values))
    else:
        stored = load_file(weights)
        del stored["audio_mapping.prefix_const"]
        stored["text_mapping.prefix_const"] = torch.zeros(3, 128)
        save_file(stored | {"surplus": torch.zeros(1)}, weights)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("absent", r"model\.safetensors: expected the model's weights, found no such file"),
        ("truncated", r"expected a complete safetensors file"),
        ("other text", r"expected a complete safetensors file"),
        ("config", r"config\.json: expected a configuration of this version"),
        ("field", r"config\.json: expected a configuration of this version.*colour"),
        ("weights", r"missing: 1 \(audio_mapping\.prefix_const\); unexpected: 1 \(surplus\); "
         r"other shape: 1 \(text_mapping\.prefix_const \(3, 128\), expected \(8, 128\)\)"),
    ],
)  # fmt: skip
def test_a_spoilt_folder_is_refused(saved: Path, kind: str, said: str) -> None:
    spoil(saved, kind)
    with pytest.raises(CheckpointError, match=said):
        Pengi.from_pretrained(saved)


def test_files_that_are_no_released_checkpoint(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "base.pth"
    with pytest.raises(ReleasedError, match=r"base\.pth: expected a released \.pth file"):
        Pengi.from_released(path)
    torch.save({"model": {"a": torch.zeros(1000)}}, path)
    whole = path.read_bytes()
    for content in (b"", b"a text, no weights", whole[:-500], whole[:100]):
        path.write_bytes(content)
        with pytest.raises(ReleasedError, match=r"cannot be read as one.*Download it again"):
            Pengi.from_released(path)
    with pytest.raises(ReleasedError, match=r"expected a released \.pth file"):
        Pengi.from_released(saved)
    with pytest.raises(CheckpointError, match=r"use Pengi\.from_released"):
        Pengi.from_pretrained(path)


PICKLED = """
import os, sys, torch
class Code:
    def __reduce__(self):
        return os.system, (f"touch {sys.argv[1]}.ran",)
torch.save({"model": {"a": Code()}}, sys.argv[1])
"""


def test_pickled_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "base.pth"
    subprocess.run([sys.executable, "-c", PICKLED, path], check=True)
    with pytest.raises(ReleasedError, match="code or other objects, which were not run"):
        Pengi.from_released(path)
    assert not path.with_name("base.pth.ran").exists()
