"""Reading released files: names, dropped entries, refusals. Values: test_golden_full.py."""

import argparse
from pathlib import Path

import pytest
import torch

import seeded
from pengi_model import Pengi
from pengi_model.config import PAPER, TINY, without_text_encoder
from pengi_model.released import ReleasedError, configuration, fill, read, renamed


def released(model: Pengi) -> dict[str, torch.Tensor]:
    """The model's weights under released names, with entries that only older versions store."""
    found = seeded.released(model.state_dict()) | seeded.extra()
    found["caption_encoder.base.embeddings.position_ids"] = torch.arange(64)[None]
    return found


@pytest.mark.skipif(not seeded.REFERENCE.is_dir(), reason=seeded.NO_REFERENCE)
@pytest.mark.parametrize(("table", "entries"), [("base", 681), ("no_text_enc", 477)])
def test_every_entry_of_the_released_files_is_known(table: str, entries: int) -> None:
    listed, ours = seeded.listed(table), seeded.shapes(table)
    assert len(listed) == entries
    assert {name: listed.get(name) for name in ours} == ours
    left = {name: torch.zeros(0) for name in listed if name not in ours}
    assert renamed(left) == {}


@pytest.mark.parametrize("module", ["", "module."])
def test_names_map_onto_the_same_model(tmp_path: Path, module: str) -> None:
    torch.manual_seed(0)
    original, other = Pengi(TINY).eval(), Pengi(TINY).eval()
    path = tmp_path / "base.pth"
    state = {f"{module}{name}": value for name, value in released(original).items()}
    torch.save({"model": state}, path)
    fill(other, renamed(read(path)), "base.pth")
    for name, value in original.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_the_old_file_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save({"model": {"a": torch.ones(2)}}, path, _use_new_zipfile_serialization=False)
    assert read(path)["a"].tolist() == [1, 1]


def test_gpt2_biases_are_kept_and_causal_masks_dropped() -> None:
    attention = "caption_decoder.gpt.transformer.h.3.attn"
    names = [f"{attention}.c_attn.bias", f"{attention}.bias", f"{attention}.masked_bias"]
    assert list(renamed(dict.fromkeys(names, torch.zeros(1)))) == [
        "language_model.transformer.h.3.attn.c_attn.bias"
    ]


def test_the_content_tells_the_variant() -> None:
    with_text = {"caption_encoder.projection.linear1.weight": torch.zeros(1)}
    assert configuration(with_text, PAPER) == PAPER
    assert configuration({}, PAPER) == without_text_encoder(PAPER)


def test_differences_are_named() -> None:
    model = Pengi(TINY)
    state = renamed(released(model))
    del state["audio_mapping.prefix_const"]
    state["surplus"] = torch.zeros(1)
    state["text_mapping.prefix_const"] = torch.zeros(3, 128)
    with pytest.raises(ReleasedError) as error:
        fill(model, state, "x.pth")
    text = str(error.value)
    assert "missing: 1 (audio_mapping.prefix_const)" in text
    assert "unexpected: 1 (surplus)" in text
    assert "text_mapping.prefix_const (3, 128), expected (8, 128)" in text


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save({"state_dict": {}}, path)
    with pytest.raises(ReleasedError, match=r"expected a dict with key \"model\".*state_dict"):
        read(path)
    torch.save({"model": {}, "args": argparse.Namespace(a=1)}, path)
    with pytest.raises(ReleasedError, match="expected a checkpoint of plain tensors"):
        read(path)
