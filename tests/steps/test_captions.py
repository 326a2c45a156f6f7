"""Caption metrics against pycocoevalcap, its tokenizer (Java), and values worked by hand."""

import csv
import json
import math
import shutil

import pytest

from flows.steps.captions import statistics, tokens
from flows.steps.metrics import value

METRICS = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr-D")


def found(said: list[list[str]], references: list[list[list[str]]]) -> list[float]:
    scored = statistics(said, references)
    return [value(scored[metric], len(said)) for metric in METRICS]


def reference(said: list[list[str]], references: list[list[list[str]]]) -> list[float]:
    """The same six numbers from pycocoevalcap."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    truth = {i: [" ".join(r) for r in group] for i, group in enumerate(references)}
    given = {i: [" ".join(words)] for i, words in enumerate(said)}
    bleu, _ = Bleu(4).compute_score(truth, given, verbose=0)
    return [*bleu, Rouge().compute_score(truth, given)[0], Cider().compute_score(truth, given)[0]]


def test_example_1_of_aac_metrics(shared_data) -> None:
    folder = shared_data / "caption-metrics" / "aac-metrics"
    with (folder / "example_1.csv").open() as file:
        lines = list(csv.DictReader(file))
    expected = json.loads((folder / "example_1.expected.json").read_text())
    said = [tokens(line["caption_predicted"]) for line in lines]
    references = [[tokens(line[f"caption_{i}"]) for i in range(1, 6)] for line in lines]
    keys = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider")
    assert len(said) == expected["n"]
    assert found(said, references) == pytest.approx([expected[key] for key in keys], abs=1e-12)


def test_real_captions_score_as_in_pycocoevalcap(shared_data) -> None:
    """Clotho validation, each clip's first caption against its other four."""
    pytest.importorskip("pycocoevalcap", reason="needs the extra `captions`")
    with (shared_data / "Clotho" / "clotho_captions_validation.csv").open() as file:
        lines = [
            [tokens(line[f"caption_{i}"]) for i in range(1, 6)] for line in csv.DictReader(file)
        ][:300]
    said, references = [line[0] for line in lines], [line[1:] for line in lines]
    said[7] = []
    assert found(said, references) == pytest.approx(reference(said, references), abs=1e-9)


@pytest.mark.slow
def test_tokens_are_those_of_the_ptb_tokenizer(shared_data) -> None:
    """Every caption of AudioCaps and Clotho that is here."""
    ptb = pytest.importorskip(
        "pycocoevalcap.tokenizer.ptbtokenizer", reason="needs the extra `captions`"
    )
    if shutil.which("java") is None:
        pytest.skip("needs Java for the reference tokenizer")
    captions: list[str] = []
    for path in ("clotho_captions_development.csv", "clotho_captions_validation.csv"):
        with (shared_data / "Clotho" / path).open() as file:
            for line in csv.DictReader(file):
                captions += [line[f"caption_{i}"] for i in range(1, 6)]
    for path in ("train.csv", "val.csv"):
        with (shared_data / "AudioCaps" / "dataset" / path).open() as file:
            captions += [line["caption"] for line in csv.DictReader(file)]
    asked = {i: [{"caption": caption}] for i, caption in enumerate(captions)}
    expected = ptb.PTBTokenizer().tokenize(asked)
    ours = {i: [" ".join(tokens(caption))] for i, caption in enumerate(captions)}
    assert len(captions) > 50_000
    assert [ours[i] for i in ours if ours[i] != expected[i]] == []


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A dog barks; rain falls.", "a dog barks rain falls"),
        ("It's a man's voice, isn't it?", "it 's a man 's voice is n't it"),
        ("high-pitched tone over the p.a. system", "high-pitched tone over the p.a. system"),
        ("you cannot hear it", "you can not hear it"),
        ("a siren (far away)", "a siren -lrb- far away -rrb-"),
        ("“bless you”", "bless you"),
        ("", ""),
    ],
)
def test_tokens(caption: str, expected: str) -> None:
    assert tokens(caption) == expected.split()


def test_bleu_by_hand() -> None:
    """the (clipped at 2) cat: 2/7 words match; seven words against six, so no brevity penalty."""
    said = [tokens("the the the the the the the")]
    references = [[tokens("the cat is on the mat")]]
    assert found(said, references)[0] == pytest.approx(2 / 7)
    short = found([["the", "cat"]], references)
    assert short[0] == pytest.approx(math.exp(1 - 6 / 2))


def test_rouge_l_by_hand() -> None:
    """LCS "police the gunman" of 3 words: precision 3/4, recall 3/4, so F is 3/4."""
    said = [tokens("police kill the gunman")]
    assert found(said, [[tokens("police killed the gunman")]])[4] == pytest.approx(0.75)


def test_cider_d_by_hand() -> None:
    """Every n-gram of a clip is its own: the right caption scores 10, a foreign one 0."""
    captions = [["a", "dog", "barks", "twice"], ["rain", "falls", "on", "leaves"]]
    references = [[caption] for caption in captions]
    assert found(captions, references)[5] == pytest.approx(10.0)
    assert found(captions[::-1], references)[5] == 0.0
