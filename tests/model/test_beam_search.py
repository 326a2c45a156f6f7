"""Beam search and log-likelihood against exhaustive enumeration and the plain forward pass."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from pengi_model.beams import beam_search
from pengi_model.config import LanguageConfig
from pengi_model.likelihood import after
from pengi_model.model import gpt2

VOCABULARY, STOP = 7, 3
SHAPE = LanguageConfig(vocabulary=VOCABULARY, width=16, layers=2, heads=2, positions=16)


@pytest.fixture(scope="module")
def language() -> torch.nn.Module:
    torch.manual_seed(1)
    model = gpt2(SHAPE).eval()
    for weight in model.parameters():  # sharper than the initial weights, so that ranks differ
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.5)
    return model


@pytest.fixture(scope="module")
def prefix() -> torch.Tensor:
    return torch.randn(4, 5, 16, generator=torch.Generator().manual_seed(2))


@torch.inference_mode()
def log_prob(language: torch.nn.Module, prefix: torch.Tensor, tokens: tuple[int, ...]) -> float:
    """Mean log-probability of `tokens` after one prefix, by one forward pass without cache."""
    ids = torch.tensor([tokens])
    sequence = torch.cat((prefix[None], language.transformer.wte(ids)), dim=1)
    logits = language(inputs_embeds=sequence, use_cache=False).logits[0, len(prefix) - 1 : -1]
    return -float(F.cross_entropy(logits, ids[0]))


def test_two_steps_of_full_width_are_the_exhaustive_ranking(
    language: torch.nn.Module, prefix: torch.Tensor
) -> None:
    found = beam_search(language, prefix, VOCABULARY, steps=2, stop=STOP)
    sequences = [
        pair for pair in itertools.product(range(VOCABULARY), repeat=2) if pair[0] != STOP
    ] + [(STOP,)]
    for clip in range(len(prefix)):
        ranked = sorted(sequences, key=lambda tokens: -log_prob(language, prefix[clip], tokens))
        for beam, tokens in enumerate(ranked[:VOCABULARY]):
            length = int(found.lengths[clip, beam])
            assert tuple(found.tokens[clip, beam, :length].tolist()) == tokens
            assert found.scores[clip, beam] == pytest.approx(
                log_prob(language, prefix[clip], tokens), abs=1e-5
            )


@pytest.mark.parametrize("beams", [1, 3])
def test_a_clip_is_decoded_the_same_alone_and_in_a_batch(
    language: torch.nn.Module, prefix: torch.Tensor, beams: int
) -> None:
    together = beam_search(language, prefix, beams, steps=8, stop=STOP)
    assert len(set(together.lengths[:, 0].tolist())) > 1  # they do not all end together
    for clip in range(len(prefix)):
        alone = beam_search(language, prefix[[clip]], beams, steps=8, stop=STOP)
        assert torch.equal(alone.tokens[0], together.tokens[clip])
        assert torch.equal(alone.lengths[0], together.lengths[clip])
        torch.testing.assert_close(alone.scores[0], together.scores[clip])


def test_one_beam_is_greedy(language: torch.nn.Module, prefix: torch.Tensor) -> None:
    found = beam_search(language, prefix[:1], 1, steps=6, stop=VOCABULARY)
    sequence = prefix[:1]
    for token in found.tokens[0, 0]:
        with torch.inference_mode():
            logits = language(inputs_embeds=sequence, use_cache=False).logits[0, -1]
            assert int(logits.argmax()) == int(token)
            sequence = torch.cat((sequence, language.transformer.wte(token)[None, None]), dim=1)


def test_positions_of_the_language_model_bound_the_length(
    language: torch.nn.Module, prefix: torch.Tensor
) -> None:
    beam_search(language, prefix[:1], 2, steps=12, stop=VOCABULARY)  # 5 + 12 - 1 = 16
    with pytest.raises(ValueError, match="expected 1 to 12 behind a prefix of 5"):
        beam_search(language, prefix[:1], 2, steps=13, stop=STOP)


def test_log_likelihood_of_candidates(language: torch.nn.Module, prefix: torch.Tensor) -> None:
    texts = [(1, 2, STOP), (STOP,), (5, 5, 6, STOP)] * 200  # more than one pass holds
    width = max(map(len, texts))
    ids = torch.tensor([[*text, *[0] * (width - len(text))] for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts])
    found = after(language, prefix, ids, mask)
    assert found.shape == (4, 600)
    for clip, column in itertools.product(range(4), range(3)):
        expected = log_prob(language, prefix[clip], texts[column]) * len(texts[column])
        assert found[clip, column] == pytest.approx(expected, abs=1e-4)
        assert found[clip, 597 + column] == pytest.approx(expected, abs=1e-4)
    with pytest.raises(ValueError, match="candidates: expected at least one token in each"):
        after(language, prefix, ids, 0 * mask)
