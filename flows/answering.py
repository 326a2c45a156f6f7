"""What a run says to a benchmark: lines of ANSWERS, and the vectors that scoring looks up."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from flows.hearing import EvaluationError, Heard
from flows.likely import likely
from flows.steps.lake import Lake
from flows.steps.progress import Progress
from flows.steps.release import Ingested
from pengi_model import Clap, Generation, Pengi
from schemas import Benchmark, Run
from schemas.tables import TEXTS

BEAM_SIZE = 5  # sec. 4.3
MAX_NEW_TOKENS = 30  # example.py of the released code
BEAM = f"beam {BEAM_SIZE}, at most {MAX_NEW_TOKENS} tokens"
_SPACES = ("pengi", "clip")
_LIKELIHOODS = {
    "likelihood": "mean log-probability per token",
    "likelihood_sum": "sum of log-probabilities",
    "likelihood_pmi": "mean log-probability per token, less that after silence",
}
Line = dict[str, Any]
_Key = tuple[str, str]  # clip id and prompt


class Answering:
    """A run's model, loaded when it is first needed, and what it said so far.

    batch: clips at a time; no answer depends on it.
    """

    def __init__(self, lake: Lake, run: Run, progress: Progress, batch: int = 64) -> None:
        self.lake, self.run, self.progress, self.batch = lake, run, progress, batch
        self._told: dict[_Key, Generation] = {}
        self._texts: dict[_Key, list[float]] = {}  # (space, text) -> vector
        self._prompts: dict[str, Tensor] = {}

    @cached_property
    def model(self) -> Pengi | Clap:
        """The run's own model."""
        kind = Clap if self.run.config["stage"] == "clap" else Pengi
        return self._loaded(kind, self.run.run_id)

    @cached_property
    def reader(self) -> Pengi | Clap:
        """Whose text encoder embeds texts: the run's, or else its contrastive parent's."""
        if self.model.text_encoder is not None:
            return self.model
        return self._loaded(Clap, self.run.parents["clap"])

    @cached_property
    def heard(self) -> Heard:
        """The features of the run's audio encoder."""
        return Heard(self.lake, self.model, self.progress)

    @property
    def window(self) -> str:
        """The part of a sound that answers are about."""
        seconds = self.model.config.window_seconds
        return f"centre {seconds:g} s, shorter sounds repeated"

    def generated(self, benchmark: Benchmark, versions: Ingested, rows: pa.Table) -> Iterator[Line]:
        """Beam search over every prompt of the benchmark."""
        asked = _asked(benchmark, rows)
        vectors = self._audio(versions, rows)
        fresh = [key for key in asked if key not in self._told]
        for start in range(0, len(fresh), self.batch):
            keys = fresh[start : start + self.batch]
            prefix = self._prefix(torch.stack([vectors[clip] for clip, _ in keys]), keys)
            answers = self._pengi.generate_after(
                prefix, beam_size=BEAM_SIZE, max_new_tokens=MAX_NEW_TOKENS
            )
            self._told |= dict(zip(keys, answers, strict=True))
            self.progress(f"evaluate {benchmark.name}: answers", start + len(keys), len(fresh))
        for key, line in asked.items():
            told = self._told[key]
            yield line | {"answer": told.text, "score": told.score, "decoding": BEAM}

    def ranked(self, benchmark: Benchmark, versions: Ingested, rows: pa.Table) -> Iterator[Line]:
        """Cosine of every clip to the label texts; a contrastive model reads no prompt."""
        labels = list(benchmark.labels.values())
        texts = torch.tensor(self._embedded(labels, "pengi"))
        vectors = self._audio(versions, rows)
        for (clip, _), line in _asked(_first(benchmark), rows).items():
            cosines = torch.nn.functional.normalize(vectors[clip], dim=-1).cpu() @ texts.T
            yield line | {"prompt": ""} | best(labels, cosines)

    def likelihoods(
        self, benchmark: Benchmark, versions: Ingested, rows: pa.Table
    ) -> Iterator[Line]:
        """Log-likelihood of the label texts behind the headline prompt, three ways."""
        first, labels = _first(benchmark), list(benchmark.labels.values())
        written = [line["answer"] for line in self.generated(first, versions, rows)]
        asked, vectors = _asked(first, rows), self._audio(versions, rows)
        silence = self._projected(self.heard.silence())
        for start in range(0, len(asked), self.batch):
            keys = list(asked)[start : start + self.batch]
            prefix = self._prefix(torch.stack([vectors[clip] for clip, _ in keys]), keys)
            blank = self._prefix(silence, keys[:1])
            found = likely(self._pengi, first, prefix, blank, written[start : start + len(keys)])
            three = zip(found.mean, found.total, found.pmi, strict=True)
            for key, scores in zip(keys, three, strict=True):
                for (protocol, decoding), each in zip(_LIKELIHOODS.items(), scores, strict=True):
                    given = {"protocol": protocol, "decoding": decoding}
                    yield asked[key] | given | best(labels, each)
            self.progress(f"evaluate {benchmark.name}: likelihoods", start + len(keys), len(asked))

    def few(
        self, versions: Ingested, asked: Sequence[_Key], additional: Sequence[str] | None = None
    ) -> list[tuple[Generation, Tensor]]:
        """(answer, prefix) for a few clips of one dataset, each with its prompt."""
        heard = self.heard.few(versions, sorted({clip for clip, _ in asked}))
        vectors = self._projected(torch.stack([heard[clip] for clip, _ in asked]))
        prefix = self._prefix(vectors, asked)
        found = self._pengi.generate_after(prefix, additional, BEAM_SIZE, MAX_NEW_TOKENS)
        return list(zip(found, prefix, strict=True))

    def texts(self, texts: Sequence[str]) -> pa.Table:
        """TEXTS: the vectors of `texts` in both spaces of the text encoder."""
        lines: list[Line] = []
        for space in _SPACES:
            vectors = self._embedded(texts, space)
            lines += [
                {"space": space, "text": text, "vector": vector}
                for text, vector in zip(texts, vectors, strict=True)
            ]
        return pa.Table.from_pylist(lines, schema=TEXTS)

    @property
    def _pengi(self) -> Pengi:
        assert isinstance(self.model, Pengi)  # only stage pengi is asked to write
        return self.model

    def _loaded(self, kind: type[Pengi | Clap], run_id: str) -> Pengi | Clap:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return kind.from_pretrained(self.lake.run(run_id) / "model").to(device)

    def _audio(self, versions: Ingested, rows: pa.Table) -> dict[str, Tensor]:
        """Clip id -> projected vector of the window in its middle."""
        features = self.heard.features(versions, rows)
        if not features:
            return {}
        vectors = self._projected(torch.stack(list(features.values())))
        return dict(zip(features, vectors, strict=True))

    @torch.inference_mode()
    def _projected(self, features: Tensor) -> Tensor:
        return self.model.audio_encoder.projection(features.to(self.model.device))

    @torch.inference_mode()
    def _prefix(self, vectors: Tensor, keys: Sequence[_Key]) -> Tensor:
        """Prefix of each vector with the prompt of its key; a prompt is encoded once."""
        model = self._pengi
        for _, prompt in keys:
            if prompt not in self._prompts:
                self._prompts[prompt] = model.text_vector(*model.prompt_ids([prompt]))[0]
        return model.prefix_from(vectors, torch.stack([self._prompts[p] for _, p in keys]))

    @torch.inference_mode()
    def _embedded(self, texts: Sequence[str], space: str) -> list[list[float]]:
        """Unit vectors in a space; texts of one length run together, each text once a run."""
        fresh = [text for text in dict.fromkeys(texts) if (space, text) not in self._texts]
        fresh.sort(key=lambda text: (len(text), text))
        for start in range(0, len(fresh), self.batch):
            part = fresh[start : start + self.batch]
            vectors = self.reader.text_embedding(part, space=space)  # type: ignore[arg-type]
            if not vectors.isfinite().all():
                raise EvaluationError(
                    f"run {self.run.name}: the text encoder's vector of one of {part[:3]} is not "
                    "finite. The training diverged: lower its rate, then train and evaluate again."
                )
            self._texts |= {(space, t): v for t, v in zip(part, vectors.tolist(), strict=True)}
        return [self._texts[space, text] for text in texts]


def best(labels: Sequence[str], scores: Tensor) -> Line:
    """The columns of an answer that is a ranking of labels."""
    values: list[float] = scores.tolist()
    place = max(range(len(labels)), key=values.__getitem__)
    return {"answer": labels[place], "score": values[place], "candidates": values}


def _first(benchmark: Benchmark) -> Benchmark:
    return benchmark.model_copy(update={"prompts": benchmark.prompts[:1]})


def _asked(benchmark: Benchmark, rows: pa.Table) -> dict[_Key, Line]:
    """What is asked: once per clip and prompt, once per question where the prompt has one."""
    asked: dict[_Key, Line] = {}
    present = [row for row in rows.to_pylist() if row["clip_id"] is not None]
    for prompt in benchmark.prompts:
        for row in present:
            filled = prompt.replace("{question}", (row["question"] or "").lower())
            line = {"clip_id": row["clip_id"], "row_id": row["row_id"], "prompt": filled}
            asked.setdefault((row["clip_id"], filled), line)
    return asked
