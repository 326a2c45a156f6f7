"""From free text to a prediction: cleaning, text matching, fields of a note, direct match.

Follows the paper's section 4.2 and Figure 3; fields of a note as QwenLM/Qwen-Audio:eval_audio does.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from flows.steps.metrics import Floats

_STOP = "<|endoftext|>"
_EDGES = " \t\r\n.,;:!?\"'`-"
_NOTE = {
    "instrument": re.compile(r"\bproduced by ([^,]+)"),
    "pitch": re.compile(r"\bpitch (\d+)"),
    "velocity": re.compile(r"\bvelocity (\d+)"),
    "qualities": re.compile(r"\bqualities (.+)"),
}
_PUNCTUATION = re.compile(r"[^\w\s]")


class ScoreError(Exception):
    """Answers, rows and texts that do not fit together; nothing was scored."""


def cleaned(text: str) -> str:
    """`text` up to the stop token: lower case, single spaces, no punctuation at its ends."""
    return " ".join(text.split(_STOP)[0].lower().split()).strip(_EDGES)


def parts(text: str) -> list[str]:
    """The comma-separated parts of an answer such as "dog, bark", cleaned, empty ones left out."""
    return [part for piece in text.split(_STOP)[0].split(",") if (part := cleaned(piece))]


def spoken(text: str) -> str:
    """An answer to a question as it is compared: lower case, punctuation gone, one space."""
    return " ".join(_PUNCTUATION.sub(" ", cleaned(text)).split())


def note(text: str) -> dict[str, str]:
    """The fields of an answer such as "produced by guitar, pitch 64, qualities dark distortion"."""
    text = cleaned(text)
    found = {name: field.search(text) for name, field in _NOTE.items()}
    return {name: match.group(1).strip() for name, match in found.items() if match}


def named(text: str, labels: Sequence[str]) -> list[bool]:
    """Which labels stand in `text` as whole words."""
    return [re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text) is not None for label in labels]


def majority(answers: Sequence[str]) -> str | None:
    """The answer that more than half of the annotators gave, or None."""
    answer, votes = Counter(answers).most_common(1)[0]
    return answer if 2 * votes > len(answers) else None


@dataclass(frozen=True)
class Space:
    """Unit vectors of texts in one space of the text encoder."""

    name: str
    index: dict[str, int]
    vectors: Floats  # (texts, width)

    @classmethod
    def read(cls, texts: pa.Table, name: str) -> "Space | None":
        """The space `name` of a TEXTS table, or None when the table has no vector in it."""
        lines = [line for line in texts.to_pylist() if line["space"] == name]
        if not lines:
            return None
        vectors = np.asarray([line["vector"] for line in lines], dtype=np.float64)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        index = {line["text"]: i for i, line in enumerate(lines)}
        return cls(name, index, vectors / np.where(length > 0, length, 1.0))

    def of(self, texts: Sequence[str]) -> Floats:
        """Vectors (texts, width); ScoreError names a text that has none."""
        if missing := [text for text in texts if text not in self.index]:
            raise ScoreError(
                f"texts: no vector in space {self.name} for {len(missing)} text(s), "
                f"the first is {missing[0]!r}. Embed what texts_needed() lists, then score again."
            )
        return self.vectors[[self.index[text] for text in texts]]

    def cosines(self, outputs: Sequence[str], labels: Sequence[str]) -> Floats:
        """Cosine of cleaned outputs to labels: (outputs, labels); -1 for an empty output."""
        scores = np.full((len(outputs), len(labels)), -1.0)
        filled = [i for i, output in enumerate(outputs) if output]
        if filled:
            scores[filled] = self.of([outputs[i] for i in filled]) @ self.of(labels).T
        return scores
