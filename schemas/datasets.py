"""What a dataset file declares: facts (Dataset, Archive), rows, and benchmarks as values.

A dataset module holds `DATASET = Dataset(...)`, `rows(raw) -> Iterator[Row | Malformed]` and
`BENCHMARKS = (Benchmark(...), ...)`; where sounds are fetched one by one also
`remotes(raw) -> Iterator[Remote]`. It imports nothing of ours but `schemas`.
"""

from collections.abc import Iterator, Sequence
from typing import IO, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field


class Value(BaseModel):
    """A frozen value; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Archive(Value):
    """One published file; `checksum` is `md5:…`, `sha1:…`, `sha256:…`, or None if unpublished.

    `url` "hf://datasets/OWNER/NAME@REVISION/PATH" is a file of a hub repository at one revision.
    The parts of a split zip (x.zip, x.z01, …) are archives each; their tree is that of x.zip.
    """

    name: str
    url: str | None = None
    checksum: str | None = Field(default=None, pattern=r"^(md5|sha1|sha256):[0-9a-f]+$")
    bytes: int | None = None
    mirrors: tuple[str, ...] = ()


class Access(Value):
    """How the archives can be had; `how` tells a person what to do where code cannot."""

    kind: Literal["direct", "agreement", "youtube", "key", "crawl"] = "direct"
    how: str = ""


class Choice(Value):
    """What the paper leaves open: the value we take, the others a reader knows, and why.

    `adds` names the templates that a value adds to the dataset's.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    value: str
    others: tuple[str, ...] = ()
    why: str
    adds: dict[str, tuple[str, ...]] = {}


class Dataset(Value):
    """Facts of one dataset; `train` names the splits that feed training (sec. 4.1).

    Counts are the published ones: `expected_clips` and `expected_rows` by split (rows where a clip
    has several annotations), `hours` of all splits, `bytes` to download where the archives do not
    say it or the sounds are fetched one by one. What is not published is left out.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    homepage: str
    licence: str  # SPDX id or LicenseRef-…
    citation: str
    archives: tuple[Archive, ...]
    access: Access = Access()
    splits: tuple[str, ...]
    train: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    expected_clips: dict[str, int] = {}
    expected_rows: dict[str, int] = {}
    hours: float | None = None
    bytes: int | None = None
    choices: tuple[Choice, ...] = ()
    paper: bool = True  # it is one of the paper's; profiles `open` and `paper` take no other
    notes: tuple[str, ...] = ()


class Row(Value):
    """One annotation of one clip. Facts a dataset does not have stay None.

    `clip` is the sound's member name inside the raw archives (see Raw), for a piece of a longer
    recording followed by "#t=START,END" in seconds; `row_id` is stable inside
    the dataset, e.g. "clotho_captions_development.csv:17:caption_3". `events` and `labels` keep the
    publisher's spelling with "_" turned into a space. `qualities` () means "has none", None "not
    known". `origin_ids` are "freesound:100032", "youtube:<id>", ...
    """

    row_id: str
    clip: str
    split: str
    caption: str | None = None
    question: str | None = None
    answer: str | None = None
    events: tuple[str, ...] | None = None
    scene: str | None = None
    emotion: str | None = None
    sentiment: str | None = None
    language: str | None = None
    genre: str | None = None
    tags: tuple[str, ...] | None = None
    instrument: str | None = None
    pitch: int | None = Field(default=None, ge=0, le=127)
    velocity: int | None = Field(default=None, ge=0, le=127)
    qualities: tuple[str, ...] | None = None
    metadata: str | None = None
    licence: str | None = None
    attribution: str | None = None
    origin_ids: tuple[str, ...] = ()


class Malformed(Value):
    """A line of the publisher's annotations that is no Row: recorded with its reason."""

    row_id: str
    clip: str | None = None
    reason: str


class Remote(Value):
    """One sound that is fetched by itself: the member name it gets in the tree, and where it is.

    `url` is "https://…", "youtube:<video id>" (of which seconds `start` to `end` are kept) or
    "freesound:<sound id>".
    """

    name: str
    url: str
    start: float | None = None
    end: float | None = None


class Raw(Protocol):
    """Read access to a dataset's raw archives as one tree of member names.

    Members of an archive appear under the names they have inside it; a plain file (a CSV beside the
    archives) under its own name; a licensed copy given as a directory under paths relative to it;
    a sound fetched by itself under the name its Remote gives.
    """

    def choice(self, name: str) -> str:
        """The value of one of the dataset's `choices`: its default, or what the user asked for."""
        ...

    def names(self, pattern: str = "*") -> list[str]:
        """Sorted member names that match a shell pattern (`*` crosses slashes)."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """The bytes of one member; `FileNotFoundError` names it and what is near."""
        ...

    def csv(
        self,
        name: str,
        encoding: str = "utf-8",
        delimiter: str = ",",
        *,
        columns: Sequence[str] = (),
        header: Sequence[str] | None = None,
        comment: str = "",
    ) -> Iterator[dict[str, str]]:
        """Rows of one CSV member by column name; a missing cell is "".

        `columns` are those the reader needs: a header without one of them is refused, naming both.
        `header` names the columns of a file that has no header line; lines that start with
        `comment` are passed over; a delimiter that ends in a space takes spaces after it away.
        """
        ...


class Benchmark(Value):
    """One downstream evaluation, a column of the paper's tables.

    name: the column's id in `sql/published.csv`, e.g. "nsynth_pitch"; truth: the Row field that
    holds the reference; scoring: how an answer becomes a prediction (facts: evaluation protocols):
    "match" text matching to `labels`, "multilabel" cosine to every label, "field" the named field
    parsed out of the answer, "caption" against all references of a clip, "answer" direct match,
    "text_to_audio" and "audio_to_text" ranks of captions by cosine.
    prompts: template inputs to ask with, the headline prompt first. validation: splits that are not
    scored, but are kept out of training with the test splits under `--leakage strict`.
    """

    name: str
    dataset: str
    title: str
    splits: tuple[str, ...]
    prompts: tuple[str, ...]
    truth: str
    scoring: Literal[
        "match", "multilabel", "field", "caption", "answer", "text_to_audio", "audio_to_text"
    ]
    metric: Literal["accuracy", "mAP", "F1", "SPIDEr", "R@1"]
    validation: tuple[str, ...] = ()
    labels: dict[str, str] = {}  # label as it stands in the row -> text shown to the text encoder
    n_official: int | None = None
