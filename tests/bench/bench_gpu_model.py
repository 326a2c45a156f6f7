"""Clips per second of the model in bfloat16 and float32, and how far their answers agree.

On a GPU where there is one: `make bench-gpu`. PENGI_BENCH_SCALE=0.01 takes a tiny model, on any
machine. Wall time; the two take turns.
"""

import copy
import statistics
import time
from collections.abc import Iterator

import torch

from contest import ROUNDS, Call, Result, scaled
from pengi_model import Pengi
from seeded_model import CONFIG, SIZE, noise, seeded_model

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BATCHES = (1, 8, 64)
BEAMS, TOKENS = 5, scaled(30, least=4)
PROMPT = "generate audio caption"


def benches() -> Iterator[Result]:
    exact = seeded_model([PROMPT, "a dog barks while rain falls"]).to(DEVICE)
    fast = copy.deepcopy(exact).in_bfloat16()
    for batch in BATCHES:
        waves = noise(batch)
        yield _speed("audio embedding", batch, *(_embedding(m, waves) for m in (fast, exact)))
        yield _speed(
            f"generation, beam {BEAMS}, {TOKENS} new tokens",
            batch,
            *(_generation(model, waves) for model in (fast, exact)),
        )
    yield from _agreement(fast, exact, noise(scaled(64, least=4)))


def _embedding(model: Pengi, waves: torch.Tensor) -> Call:
    return lambda: model.audio_embedding(waves)


def _generation(model: Pengi, waves: torch.Tensor) -> Call:
    how = {"beam_size": BEAMS, "max_new_tokens": TOKENS, "min_new_tokens": TOKENS}
    return lambda: model.generate(waves, PROMPT, None, **how)


def _speed(what: str, batch: int, fast: Call, exact: Call) -> Result:
    """Seconds per clip; clips per second are told in `how`."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(1 + (ROUNDS or 5)):
        for call, found in zip((fast, exact), times, strict=True):
            seconds = _seconds(call) / batch
            if turn:  # the first round warms up
                found.append(seconds)
    ours, theirs = (statistics.median(found) for found in times)
    how = (
        f"{SIZE}, {_device()}: {1 / ours:.4g} clips/s in bfloat16, {1 / theirs:.4g} in float32; "
        f"wall time, median of {len(times[0])}"
    )
    return Result(f"{what}, batch {batch}, bfloat16", ours, theirs, how, unit="s per clip")


def _seconds(call: Call) -> float:
    _wait()
    began = time.perf_counter()
    call()
    _wait()
    return time.perf_counter() - began


def _wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def _device() -> str:
    return torch.cuda.get_device_name() if DEVICE == "cuda" else "CPU"


def _agreement(fast: Pengi, exact: Pengi, waves: torch.Tensor) -> Iterator[Result]:
    vectors = fast.audio_embedding(waves), exact.audio_embedding(waves)
    cosines = (vectors[0] * vectors[1]).sum(1)
    how = f"{SIZE}, {_device()}; theirs: 1, the same vector"
    least = float(cosines.min())
    yield Result(f"least cosine of {len(waves)} embeddings", least, 1.0, how, unit="cosine")
    prefixes = [model.prefix(waves, PROMPT) for model in (fast, exact)]
    ids = torch.randint(0, CONFIG.language.vocabulary, (len(waves), TOKENS), device=DEVICE)
    chosen = [_choices(m, p, ids) for m, p in zip((fast, exact), prefixes, strict=True)]
    alike = int((chosen[0] == chosen[1]).sum())
    texts = [
        [a.text for a in m.generate(waves, PROMPT, None, BEAMS, TOKENS)] for m in (fast, exact)
    ]
    same = sum(a == b for a, b in zip(*texts, strict=True))
    yield Result(
        "next tokens on which bfloat16 and float32 agree",
        float(ids.numel()),
        float(alike),
        f"{SIZE}, {_device()}, random weights; ours: all, theirs: alike. Whole beam-{BEAMS} "
        f"answers alike: {same} of {len(waves)}",
        unit="tokens",
    )


@torch.inference_mode()
def _choices(model: Pengi, prefix: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """The likeliest token (clips, tokens) behind the prefix and each beginning of `ids`."""
    sequence = torch.cat((prefix, model.language_model.transformer.wte(ids[:, :-1])), dim=1)
    logits = model.language_model(inputs_embeds=sequence, logits_to_keep=ids.shape[1]).logits
    return logits.argmax(-1)
