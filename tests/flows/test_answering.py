"""What runs answer, against the models' own interface and formulas written out by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.nn import functional as F

from answering_world import LABELS, NOTE, World, benchmark, small_world
from flows.answering import Answering
from flows.examples import nearest_tokens
from flows.likely import likely
from flows.probing import probes
from flows.steps.benchmarks import benchmark_rows
from flows.steps.progress import silent
from pengi_model import Clap, Pengi
from pengi_model.encoders import AudioEncoder
from pengi_model.waves import Waves
from schemas import Benchmark

TONES = benchmark()
NOTES = benchmark(
    name="notes",
    truth="pitch",
    scoring="field",
    labels={"60": "pitch 60", "61": "pitch 61", "62": "pitch 62"},
    prompts=("this music note is",),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return small_world(tmp_path_factory.mktemp("answering") / "lake")


def asked(world: World, which: Benchmark) -> pa.Table:
    return benchmark_rows(world.lake, which, world.versions)


def lines(world: World, run: str, protocol: str, which: Benchmark = TONES, batch: int = 16) -> Any:
    answering = Answering(world.lake, world.runs[run], silent, batch)
    ask = getattr(answering, protocol)
    return list(ask(which, world.versions, asked(world, which)))


def sounds(world: World, model: Pengi | Clap, clips: list[str]) -> torch.Tensor:
    waves = Waves([world.lake.waves("tones", "a")])
    return torch.stack([torch.from_numpy(waves.window(c, model.config.samples)) for c in clips])


def loaded(world: World, run: str) -> Any:
    kind = Clap if run == "clap" else Pengi
    return kind.from_pretrained(world.lake.run(world.runs[run].run_id) / "model")


def clips_of(world: World) -> list[str]:
    return sorted(asked(world, TONES)["clip_id"].drop_null().to_pylist())


def test_answers_are_what_the_model_generates(world: World) -> None:
    said = lines(world, "pengi", "generated")
    assert len(said) == 2 * 12  # two prompts; the row without a clip is not asked
    model = loaded(world, "pengi")
    for prompt in TONES.prompts:
        those = [line for line in said if line["prompt"] == prompt]
        audio = sounds(world, model, [line["clip_id"] for line in those])
        found = model.generate(audio, prompt)
        assert [line["answer"] for line in those] == [each.text for each in found]
        scores = [each.score for each in found]
        assert [line["score"] for line in those] == pytest.approx(scores, abs=1e-4)
    assert len({line["answer"] for line in said}) > 2


@pytest.mark.parametrize("run", ["pengi", "no_text_encoder"])
def test_no_answer_depends_on_the_batch(world: World, run: str) -> None:
    for protocol in ("generated", "likelihoods"):
        one, many = (lines(world, run, protocol, batch=batch) for batch in (1, 16))
        for a, b in zip(one, many, strict=True):
            assert (a["clip_id"], a["prompt"], a["answer"]) == (
                b["clip_id"],
                b["prompt"],
                b["answer"],
            )
            assert a["score"] == pytest.approx(b["score"], abs=1e-4)


def test_a_contrastive_run_ranks_by_cosine(world: World) -> None:
    ranked = lines(world, "clap", "ranked")
    model = loaded(world, "clap")
    audio = sounds(world, model, [line["clip_id"] for line in ranked])
    cosines = model.audio_embedding(audio) @ model.text_embedding(list(LABELS.values())).T
    found = torch.tensor([line["candidates"] for line in ranked])
    assert torch.allclose(found, cosines, atol=1e-5)
    best = [list(LABELS.values())[place] for place in cosines.argmax(1)]
    assert [line["answer"] for line in ranked] == best
    assert {line["prompt"] for line in ranked} == {""}


def test_likelihoods_are_mean_sum_and_less_than_silence(world: World) -> None:
    found = lines(world, "pengi", "likelihoods")
    model, labels = loaded(world, "pengi"), list(LABELS.values())
    clips, prompt = clips_of(world), TONES.prompts[0]
    mean = model.log_likelihood(sounds(world, model, clips), prompt, labels)
    silence = model.log_likelihood(torch.zeros(1, model.config.samples), prompt, labels)
    tokens = torch.tensor(
        [len(model.tokenizer(f"{label}<|endoftext|>")["input_ids"]) for label in labels]
    )
    expected = {
        "likelihood": mean,
        "likelihood_sum": mean * tokens,
        "likelihood_pmi": mean - silence,
    }
    for protocol, scores in expected.items():
        those = {
            line["clip_id"]: line["candidates"] for line in found if line["protocol"] == protocol
        }
        assert torch.allclose(torch.tensor([those[c] for c in clips]), scores, atol=1e-4), protocol
    assert {line["prompt"] for line in found} == {prompt}


def test_a_field_of_a_note_is_asked_behind_the_fields_before_it(world: World) -> None:
    model = loaded(world, "pengi")
    prefix = torch.randn(3, 16, 128, generator=torch.Generator().manual_seed(0))
    written = [NOTE, "produced by bass, pitch 61, velocity 50, no qualities", "a dog"]
    found = likely(model, NOTES, prefix, torch.zeros(1, 16, 128), written)
    starts = ["produced by bass,", "produced by bass,", ""]
    for row, start in enumerate(starts):
        for column, label in enumerate(NOTES.labels.values()):
            field = f" {label}," if start else f"{label},"
            whole = torch.tensor([model.tokenizer(start + field)["input_ids"]])
            with torch.no_grad():
                each = model.token_log_probs(prefix[row : row + 1], whole)[0]
            length = len(model.tokenizer(field)["input_ids"])
            expected = each[-length:].mean().item()
            assert found.mean[row, column].item() == pytest.approx(expected, abs=1e-4)


def test_texts_of_a_run_without_text_encoder_are_embedded_by_its_contrastive_parent(
    world: World,
) -> None:
    answering = Answering(world.lake, world.runs["no_text_encoder"], silent)
    table = answering.texts(["low tone", "high tone"]).to_pylist()
    clap = loaded(world, "clap")
    for space in ("pengi", "clip"):
        expected = clap.text_embedding(["low tone", "high tone"], space=space)
        found = torch.tensor([line["vector"] for line in table if line["space"] == space])
        assert torch.allclose(found, expected, atol=1e-5)


def test_a_clip_is_heard_once_for_all_prompts_benchmarks_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = small_world(tmp_path / "lake")
    heard: list[int] = []
    features = AudioEncoder.features

    def counted(self: AudioEncoder, waves: torch.Tensor) -> torch.Tensor:
        heard.append(len(waves))
        return features(self, waves)

    monkeypatch.setattr(AudioEncoder, "features", counted)
    lines(world, "pengi", "generated")
    assert sum(heard) == 12
    lines(world, "pengi", "generated", benchmark(name="again", prompts=("this emotion is",)))
    lines(world, "frozen_pengi", "generated")  # the same audio encoder
    lines(world, "clap", "ranked")
    assert sum(heard) == 12


def test_a_long_sound_is_the_mean_of_its_windows_for_a_probe(world: World) -> None:
    answering = Answering(world.lake, world.runs["clap"], silent)
    rows = asked(world, TONES)
    means = answering.heard.features(world.versions, rows, "consecutive")
    model = loaded(world, "clap")
    clips, size = clips_of(world), model.config.samples
    waves = Waves([world.lake.waves("tones", "a")], clips)
    place = next(place for place, length in enumerate(waves.lengths) if length > size)
    whole, long = torch.from_numpy(waves.wave(place) / np.float32(32768)), clips[place]
    with torch.inference_mode():
        each = model.audio_encoder.features(torch.stack([whole[:size], whole[-size:]]))
    assert torch.allclose(means[long], each.mean(0), atol=1e-5)


def test_every_clip_is_tested_by_a_probe_that_was_not_trained_on_it(world: World) -> None:
    answering = Answering(world.lake, world.runs["clap"], silent)
    for name in ("tones", "beijing_opera"):  # folds that are splits, folds that are dealt
        which = benchmark(name=name)
        found = list(probes(answering, which, world.versions, asked(world, which)))
        for depth in ("L1", "L2", "L3"):
            tested = [line["clip_id"] for line in found if line["prompt"] == depth]
            assert sorted(tested) == clips_of(world)
        right = [
            line["answer"] == list(LABELS.values())[int(line["row_id"][1:]) % 3]
            for line in found
            if line["prompt"] == "L1"
        ]
        assert sum(right) >= 10  # pure tones: even an untrained encoder tells them apart


def test_the_audio_prefix_reads_as_the_tokens_it_is_nearest_to(world: World) -> None:
    model = loaded(world, "pengi")
    words = model.language_model.transformer.wte.weight.detach()
    ids = [40, 41, 42, 43, 300, 301, 302, 303]
    prefix = torch.cat((3.0 * words[ids], torch.randn(8, words.shape[1])))
    found = nearest_tokens(model, prefix)
    assert found["ids"] == ids
    assert found["tokens"] == [model.tokenizer.decode([token]) for token in ids]
    assert found["cosines"] == pytest.approx([1.0] * 8)
    by_hand = F.cosine_similarity(prefix[0], words[41], dim=0)
    assert by_hand < 0.99
