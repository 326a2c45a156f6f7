"""What the model answers in other ways: drawn text, scores of candidates, prefixes as words."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from pengi_model import Pengi
from pengi_model.beams import beam_search
from pengi_model.config import TINY, ModelConfig, without_text_encoder
from pengi_model.model import DESCRIBED
from pengi_model.sampling import drawn, sample
from pengi_model.text import LongPromptWarning
from pengi_model.tokens import train_tokenizer

TEXTS = [*DESCRIBED, "a dog barks while rain falls", "a cat meows in a kitchen"]
TOKENS = train_tokenizer(TEXTS, 300)
END = TOKENS.eos_token_id
LABELS = ["dog", "rain", "a cat meows in a kitchen"]


def tiny(config: ModelConfig = TINY) -> Pengi:
    torch.manual_seed(0)
    model = Pengi(config.with_tokens(len(TOKENS), END, END), TOKENS).eval()
    for weight in model.language_model.parameters():  # sharper than the initial ones
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    return model


@pytest.fixture(scope="module")
def model() -> Pengi:
    return tiny()


@pytest.fixture(scope="module")
def waves() -> torch.Tensor:
    return 0.1 * torch.randn(3, TINY.samples, generator=torch.Generator().manual_seed(5))


def test_draws_follow_the_probabilities_of_the_nucleus() -> None:
    probabilities = torch.tensor([0.1, 0.5, 0.15, 0.25]).expand(20_000, 4)
    draws = torch.linspace(0, 1, 20_001)[:-1]
    every = Counter(drawn(probabilities, 1.0, draws).tolist())
    assert {token: round(n / 20_000, 3) for token, n in every.items()} == {
        0: 0.1, 1: 0.5, 2: 0.15, 3: 0.25,
    }  # fmt: skip
    nucleus = Counter(drawn(probabilities, 0.7, draws).tolist())  # 0.5 + 0.25 reach it
    assert {token: round(n / 20_000, 3) for token, n in nucleus.items()} == {1: 0.667, 3: 0.333}
    assert set(drawn(probabilities, 0.5, draws).tolist()) == {1}


def test_samples_repeat_by_seed_and_turn_greedy_when_cold(
    model: Pengi, waves: torch.Tensor
) -> None:
    prefix = model.prefix(waves, DESCRIBED[0])
    language, stop = model.language_model, model.config.language.stop
    one = sample(language, prefix, 12, stop, seed=3)
    assert torch.equal(one.tokens, sample(language, prefix, 12, stop, seed=3).tokens)
    assert not torch.equal(one.tokens, sample(language, prefix, 12, stop, seed=4).tokens)
    greedy = beam_search(language, prefix, 1, 12, stop)
    for cold in ({"temperature": 1e-4}, {"top_p": 1e-6}):
        found = sample(language, prefix, 12, stop, seed=3, **cold)
        assert torch.equal(found.tokens, greedy.tokens)
        torch.testing.assert_close(found.scores, greedy.scores)
    for clip in range(3):  # its score is the mean log-probability of what was drawn
        ids = one.tokens[clip, :, : int(one.lengths[clip, 0])]
        with torch.inference_mode():
            expected = model.token_log_probs(prefix[[clip]], ids).mean()
        torch.testing.assert_close(one.scores[clip, 0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("how", [{"beam_size": 1}, {"beam_size": 4}, {"sample": True, "seed": 1}])
def test_lengths_are_bounded_on_both_sides(
    model: Pengi, waves: torch.Tensor, how: dict[str, int]
) -> None:
    likely = tiny()
    with torch.no_grad():  # a language model that always wants to stop
        likely.language_model.transformer.ln_f.bias.fill_(3.0)
        likely.language_model.lm_head.weight[END] = 1.0
    short = likely.generate(waves, DESCRIBED[0], max_new_tokens=9, **how)
    assert [answer.text for answer in short] == [""] * 3
    kept = likely.generate(waves, DESCRIBED[0], max_new_tokens=9, min_new_tokens=4, **how)
    assert all(answer.text for answer in kept)
    with pytest.raises(ValueError, match="min_new_tokens: expected 0 to the maximum, found 9"):
        model.generate(waves, DESCRIBED[0], max_new_tokens=8, min_new_tokens=9)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"beam_size": 0}, "beam_size: expected at least 1, found 0"),
        ({"temperature": 0.0}, "temperature: expected above 0"),
        ({"top_p": 1.5}, "top_p: expected above 0, at most 1, found 1.5"),
    ],
)
def test_wrong_ways_to_decode_are_refused(
    model: Pengi, waves: torch.Tensor, how: dict[str, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        model.generate(waves, DESCRIBED[0], **how)  # type: ignore[arg-type]


def test_forms_of_log_likelihood(model: Pengi, waves: torch.Tensor) -> None:
    lengths = torch.tensor([len(TOKENS(label)["input_ids"]) + 1 for label in LABELS])
    mean = model.log_likelihood(waves, DESCRIBED[2], LABELS)
    total = model.log_likelihood(waves, DESCRIBED[2], LABELS, form="sum")
    torch.testing.assert_close(mean * lengths, total)
    silence = torch.zeros(1, TINY.samples)
    of_silence = model.log_likelihood(silence, DESCRIBED[2], LABELS, form="sum")
    mutual = model.log_likelihood(waves, DESCRIBED[2], LABELS, form="pmi")
    torch.testing.assert_close(mutual, total - of_silence, rtol=0, atol=1e-4)
    nothing = model.log_likelihood(silence, DESCRIBED[2], LABELS, form="pmi")
    torch.testing.assert_close(nothing, torch.zeros(1, 3), rtol=0, atol=1e-4)
    asked = list(DESCRIBED)  # a prompt per clip has a silent prefix per clip
    each = model.log_likelihood(waves, asked, LABELS, form="pmi")
    torch.testing.assert_close(each[2], mutual[2], rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="form: expected mean, sum, or pmi"):
        model.log_likelihood(waves, DESCRIBED[2], LABELS, form="max")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="candidates: expected at least one text, found none"):
        model.log_likelihood(waves, DESCRIBED[2], [])


def test_a_prefix_is_read_as_its_nearest_tokens(model: Pengi, waves: torch.Tensor) -> None:
    found = model.interpret(waves)
    prefix = model.prefix(waves, DESCRIBED[0])[:, : TINY.audio_mapping.prefix].numpy()
    table = model.language_model.transformer.wte.weight.detach().numpy()
    for clip, place in ((0, 0), (2, 5)):
        vector = prefix[clip, place]
        cosines = table @ vector / np.linalg.norm(table, axis=1) / np.linalg.norm(vector)
        assert int(found.ids[clip, place]) == int(cosines.argmax())
        assert float(found.similarities[clip, place]) == pytest.approx(cosines.max(), abs=1e-5)
        assert found.tokens[clip][place] == TOKENS.decode([int(cosines.argmax())])
    ids = torch.tensor([5, 9, 200])
    model.audio_mapping.forward, kept = (  # a prefix of scaled embeddings is those tokens
        lambda _: 2.5 * model.language_model.transformer.wte(ids)[None],
        model.audio_mapping.forward,
    )
    try:
        found = model.interpret(waves[:1])
    finally:
        model.audio_mapping.forward = kept
    assert found.ids.tolist() == [[5, 9, 200]]
    torch.testing.assert_close(found.similarities, torch.ones(1, 3))


def test_a_description_joins_three_answers(model: Pengi, waves: torch.Tensor) -> None:
    found = model.describe(waves[:2], beam_size=2, max_new_tokens=5)
    for clip in range(2):
        asked = [model.generate(waves[[clip]], p, None, 2, 5)[0].text for p in DESCRIBED]
        events = f"this audio contains sound events: {asked[2]}."
        assert found[clip] == f"{asked[0]} {asked[1]} {events}"


def test_one_additional_text_serves_all_clips(model: Pengi, waves: torch.Tensor) -> None:
    one = model.generate(waves, DESCRIBED[0], "a dog", 2, 4)
    assert one == model.generate(waves, DESCRIBED[0], ["a dog"] * 3, 2, 4)
    assert one != model.generate(waves, DESCRIBED[0], None, 2, 4)


def test_a_long_prompt_is_cut_and_said_to_be(model: Pengi, waves: torch.Tensor) -> None:
    long = "a dog barks while rain falls " * 10
    with pytest.warns(LongPromptWarning, match=r"expected at most 40 tokens, found 1\d\d"):
        prefix = model.prefix(waves[:1], long)
    with pytest.warns(LongPromptWarning):
        longer = model.prefix(waves[:1], long + "a cat meows")
    assert torch.equal(prefix, longer)


def test_windows_of_a_whole_clip_are_averaged(model: Pengi) -> None:
    size = TINY.samples
    clip = 0.1 * torch.randn(1, 2 * size + 1, generator=torch.Generator().manual_seed(2))
    parts = torch.stack([clip[0, start : start + size] for start in (0, size // 2, size + 1)])
    expected = model.audio_vector(parts).mean(0)
    model.config, kept = replace(model.config, crop="windows"), model.config
    try:
        whole = model.audio_vector(clip)[0]
    finally:
        model.config = kept
    torch.testing.assert_close(whole, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        model.audio_vector(clip)[0], model.audio_vector(parts[[1]])[0], rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("config", [TINY, without_text_encoder(TINY)])
def test_bfloat16_agrees_with_float32(config: ModelConfig, waves: torch.Tensor) -> None:
    exact, fast = tiny(config), tiny(config).in_bfloat16()
    cosine = torch.cosine_similarity(exact.audio_vector(waves), fast.audio_vector(waves))
    assert fast.audio_vector(waves).dtype == torch.float32 and float(cosine.min()) > 0.999
    assert fast.prefix(waves, DESCRIBED[0]).dtype == torch.bfloat16
    scores = [m.log_likelihood(waves, DESCRIBED[0], LABELS) for m in (exact, fast)]
    assert scores[1].dtype == torch.float32
    torch.testing.assert_close(scores[1], scores[0], rtol=0.02, atol=0.05)
    assert all(math.isfinite(answer.score) for answer in fast.generate(waves, DESCRIBED[0]))
    assert fast.audio_encoder.log_mel.matrix.dtype == torch.float32
