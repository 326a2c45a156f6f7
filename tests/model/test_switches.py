"""Every place where paper and released code disagree is a field that can be set."""

import json
from dataclasses import replace

import pytest
import torch

from pengi_model import ModelConfig
from pengi_model.config import PAPER, TINY, WRAPPER
from pengi_model.encoders import AudioEncoder
from pengi_model.mapping import MappingNetwork
from pengi_model.switches import SWITCHES, Switch, switched


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.field)
def test_a_switch_has_both_positions(switch: Switch) -> None:
    assert switched(WRAPPER, switch.field, switch.released) == WRAPPER
    paper = switched(WRAPPER, switch.field, switch.paper)
    assert (paper == WRAPPER) == (switch.field == "crop")  # there they agree, and we differ
    assert ModelConfig.from_dict(json.loads(json.dumps(paper.to_dict()))) == paper
    with torch.device("meta"):
        AudioEncoder(paper)


def test_our_default_is_the_released_computation_on_a_fixed_window() -> None:
    ours = {s.field for s in SWITCHES if switched(PAPER, s.field, s.released) != PAPER}
    expected = {"normalise_text", "additional_text", "crop", "channels", "clean_spaces"}
    assert ours == expected


def test_eight_layers_hold_four_more_than_released() -> None:
    eight = switched(PAPER, "audio_mapping.layers", 8).audio_mapping
    with torch.device("meta"):
        network = MappingNetwork(eight, 1024, 768)
    # Four layers, 1024 -> 40 * 768 and the constants: 50,417,664 (reference/baseline.md).
    unfolded = 1024 * 40 * 768 + 40 * 768 + 40 * 768
    assert sum(w.numel() for w in network.parameters()) == 2 * 50_417_664 - unfolded


def test_the_mel_range_of_the_paper_is_narrower() -> None:
    rate = switched(PAPER, "mel.matrix_rate", 44_100)
    paper = switched(rate, "mel.fmax", 8000.0)
    for config, highest in ((PAPER, 19_294), (paper, 8000)):  # Hz of the real signal
        used = AudioEncoder(replace(TINY, mel=config.mel)).log_mel.matrix.sum(1).nonzero().max()
        assert int(used) * 44_100 / 1024 == pytest.approx(highest, abs=44)


def test_an_unknown_switch_is_refused() -> None:
    with pytest.raises(ValueError, match="mels: expected a field of ModelConfig"):
        switched(PAPER, "mels", 1)
    with pytest.raises(TypeError, match="colour"):
        switched(PAPER, "mel.colour", 1)
