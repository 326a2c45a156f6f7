"""The manifests: a release (an immutable, hashed set of pairs) and a run (one training)."""

from typing import Any, Literal

from schemas.datasets import Value


class File(Value):
    """One file of a release: path relative to the lake, size and sha256."""

    path: str
    bytes: int
    sha256: str


class Part(Value):
    """What one dataset contributes. `train` are the splits whose pairs are in the release."""

    dataset: str
    rows: File
    clips: File
    pairs: File
    shards: tuple[File, ...]
    train: tuple[str, ...]
    pair_counts: dict[str, int]  # template -> pairs in the release
    clips_in_release: int
    seconds_in_release: float
    rejected: int
    left_out: dict[str, int] = {}  # reason -> pairs that a takedown or the licences left out


class Release(Value):
    """An immutable set of pairs.

    `release_id` hashes all but itself, `provenance` and fields that are as they are without filter.
    """

    release_id: str
    leakage: str
    licences: tuple[str, ...] = ()  # patterns of the licences that were let in; () is all
    templates: dict[str, int]  # template -> version
    parts: tuple[Part, ...]
    pairs: int
    pairs_sha256: str  # of the pair ids in training order, one per line
    provenance: dict[str, str]  # code commit, lock hash, time, versions


class Run(Value):
    """One training. `run_id` hashes `config`, `release_id`, `parents` and `code_sha256`."""

    run_id: str
    name: str
    release_id: str
    code_sha256: str
    config: dict[str, Any]
    parents: dict[str, str] = {}  # e.g. {"clap": run_id, "language_model": run_id}
    provenance: dict[str, str] = {}


class Taken(Value):
    """A clip that was taken down, and what its sound is known by under any other name."""

    dataset: str
    name: str
    clip_id: str
    source_sha256: str
    sample_sha256: str


class Tombstone(Value):
    """What was taken down: a clip, or all that came from an origin such as freesound:100032."""

    id: str  # as it was asked for: a clip id, or an origin
    kind: Literal["clip", "origin"]
    reason: str
    made: str  # ISO 8601, UTC
    clips: tuple[Taken, ...]  # those that the lake had then
