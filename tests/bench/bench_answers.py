"""Answers against the released way to find them, and the memory that loading takes."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from contest import ROUNDS, Call, Result, processor_seconds, scaled
from flows import datasets
from pengi_model import Pengi
from pengi_model.beams import beam_search
from recomputing import recomputed
from seeded_model import CONFIG, SIZE, noise, seeded_model

BEAMS, TOKENS = 5, scaled(30, least=4)
PROMPT = "this is a sound of"
PART = 10  # labels of which the separate forward passes are timed
LABELS = list(datasets.load("esc50").benchmarks[0].labels.values())


def benches() -> Iterator[Result]:
    torch.set_num_threads(1)
    model = seeded_model([PROMPT, *LABELS])
    yield from _answers(model)
    yield from _loading(model)


def _answers(model: Pengi) -> Iterator[Result]:
    waves, language = noise(8), model.language_model
    prefix = model.prefix(waves, PROMPT)
    never = CONFIG.language.vocabulary  # no stop token: all answers have TOKENS tokens
    prompt = model.prompt_ids([PROMPT])

    @torch.inference_mode()
    def separate() -> None:
        for label in LABELS[:PART]:
            model(waves[:1], prompt, model.caption_ids([label]))

    @torch.inference_mode()
    def behind_the_prefix() -> None:
        for label in LABELS[:PART]:
            ids, _ = model.caption_ids([label])
            sequence = torch.cat((prefix[:1], language.transformer.wte(ids)), dim=1)
            language(inputs_embeds=sequence, use_cache=False)

    took, said = _held(
        {
            "recomputed": lambda: recomputed(language, prefix[:1], BEAMS, TOKENS),
            "one": lambda: beam_search(language, prefix[:1], BEAMS, TOKENS, never),
            "eight": lambda: beam_search(language, prefix, BEAMS, TOKENS, never),
            "labels": lambda: model.log_likelihood(waves[:1], PROMPT, LABELS),
            "labels behind": lambda: model.log_likelihood_after(prefix[:1], LABELS),
            "separate": separate,
            "separate behind": behind_the_prefix,
        }
    )
    _same_tokens(model, prefix, said)
    scale = len(LABELS) / PART
    how = f"{SIZE}, float32, one thread, all in turns"
    whole = f"{how}; theirs: the whole sequence and all its logits in every step (wrapper.py)"
    yield Result(
        f"beam {BEAMS}, {TOKENS} new tokens, one clip",
        took["one"], took["recomputed"], f"{whole}; same tokens", at_least=8,
    )  # fmt: skip
    yield Result(
        f"beam {BEAMS}, {TOKENS} new tokens, eight clips together, per clip",
        took["eight"] / 8, took["recomputed"], f"{whole}; same tokens in all eight", at_least=25,
    )  # fmt: skip
    yield Result(
        f"log-likelihood of {len(LABELS)} labels against one generation",
        took["labels behind"], took["one"], f"{how}; both behind a prefix", at_least=0.5,
    )  # fmt: skip
    yield Result(
        f"log-likelihood of {len(LABELS)} labels of one clip",
        took["labels"], took["separate"] * scale,
        f"{how}; theirs: a forward pass of the model for each label ({PART} of them timed)",
        at_least=15,
    )  # fmt: skip
    yield Result(
        f"log-likelihood of {len(LABELS)} labels behind a prefix",
        took["labels behind"], took["separate behind"] * scale,
        f"{how}; theirs: GPT-2 alone, prefix and label, for each label ({PART} of them timed)",
    )  # fmt: skip


def _same_tokens(model: Pengi, prefix: torch.Tensor, said: dict[str, Any]) -> None:
    """Together, alone, and with the whole sequence read in every step (clip 0): one answer."""
    together = said["eight"].tokens
    assert torch.equal(together[0], said["recomputed"])
    assert torch.equal(together[0], said["one"].tokens[0])
    for clip in range(1, len(prefix)):
        never = CONFIG.language.vocabulary
        alone = beam_search(model.language_model, prefix[[clip]], BEAMS, TOKENS, never)
        assert torch.equal(together[clip], alone.tokens[0]), f"clip {clip}"


def _held(calls: dict[str, Call]) -> tuple[dict[str, float], dict[str, Any]]:
    """Median processor seconds of calls that take turns, and what each gave at last."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    said: dict[str, Any] = {}
    for turn in range(ROUNDS or 3):
        for name in list(calls) if turn % 2 else reversed(calls):
            times[name].append(processor_seconds(partial(_keep, said, name, calls[name])))
    return {name: statistics.median(found) for name, found in times.items()}, said


def _keep(said: dict[str, Any], name: str, call: Call) -> None:
    said[name] = call()


LOAD = """
import re, sys
from pathlib import Path
from pengi_model import Pengi
from pengi_model import released
def status(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = status("VmRSS")
if sys.argv[1] == "pretrained":
    Pengi.from_pretrained(sys.argv[2])
else:
    Pengi.from_released(sys.argv[2], tokenizer=None, prompt_tokenizer=None)
print((status("VmHWM") - before) / 1024)
"""


def _loading(model: Pengi) -> Iterator[Result]:
    tensors = [*model.parameters(), *model.buffers()]
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 2**20
    how = "peak resident memory while loading, less that of the imports; theirs: the weights"
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        model.save_pretrained(saved)
        ours = _peak("pretrained", saved)
        yield Result(f"from_pretrained, {SIZE}", ours, size, how, unit="MiB", at_least=1 / 1.3)
        if SIZE == "tiny":  # there is no released file of this size
            return
        file = Path(folder) / "base.pth"
        torch.save({"model": released(model.state_dict())}, file)
        ours = _peak("released", file)
        yield Result(f"from_released, {SIZE}", ours, size, how, unit="MiB", at_least=1 / 1.3)


def _peak(kind: str, path: Path) -> float:
    command = [sys.executable, "-c", LOAD, kind, str(path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return max(float(done.stdout), 0.1)


def released(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Under the names of the released file, by the table that the tests of loading use."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "model"))
    import seeded

    return seeded.released(weights)
