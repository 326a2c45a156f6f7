"""Which run is asked what follows from its stage and settings."""

import pytest

from answering_world import benchmark
from flows.asking import is_pengi, prompted, protocols
from flows.datasets import load
from schemas import Release, Run

CLOSED = benchmark()
CAPTIONS = benchmark(name="c", scoring="caption", truth="caption", metric="SPIDEr", labels={})
PROBED = benchmark(name="beijing_opera")


def run(stage: str, **settings: object) -> Run:
    config = {"stage": stage, "settings": settings}
    return Run(run_id="1", name="any", release_id="r", code_sha256="c", config=config)


CLAP = run("clap").model_copy(update={"name": "clap"})
PENGI = run("pengi", audio_rate=1e-4, variant="pengi", templates={"audio_qa": 1, "auxiliary": 2})
FROZEN = run("pengi", audio_rate=0.0, variant="pengi", templates={})
SINGLE = run("pengi", audio_rate=1e-4, variant="pengi", templates={"audio_captioning": 1})
PROMPT_ONLY = run("pengi", audio_rate=1e-4, variant="lm_prompt_only", templates={})
NO_TEXT = run("pengi", audio_rate=1e-4, variant="no_text_encoder", templates={})


@pytest.mark.parametrize(
    ("which", "closed", "captions", "probed"),
    [
        (CLAP, ["cosine"], [], ["cosine", "probe"]),
        (CLAP.model_copy(update={"name": "clap_star"}), ["cosine"], [], ["cosine"]),
        (PENGI, ["generate", "likelihood"], ["generate"], ["generate", "likelihood", "probe"]),
        (FROZEN, ["generate"], ["generate"], ["generate"]),
        (NO_TEXT, ["generate"], ["generate"], ["generate"]),
        (SINGLE, [], ["generate"], []),
        (PROMPT_ONLY, ["generate"], [], ["generate"]),
        (run("language_model"), [], [], []),
        (run("pretrained"), [], [], []),
    ],
)
def test_protocols(which: Run, closed: list[str], captions: list[str], probed: list[str]) -> None:
    found = [protocols(which, asked) for asked in (CLOSED, CAPTIONS, PROBED)]
    assert found == [tuple(closed), tuple(captions), tuple(probed)]


def test_only_pengi_answers_every_prompt() -> None:
    release = Release(
        release_id="r",
        leakage="paper",
        templates={},
        parts=(),
        pairs=0,
        pairs_sha256="",
        provenance={},
    )
    (esc50,) = load("esc50").benchmarks
    assert is_pengi(PENGI)
    assert prompted(PENGI, esc50, release).prompts == esc50.prompts
    for ablation in (FROZEN, SINGLE, PROMPT_ONLY, NO_TEXT):
        assert not is_pengi(ablation)
        assert prompted(ablation, esc50, release).prompts == ("generate metadata",)
