"""The contract: what the rooms hand to each other. Imports nothing of ours."""

from schemas.datasets import (
    Access,
    Archive,
    Benchmark,
    Choice,
    Dataset,
    Malformed,
    Raw,
    Remote,
    Row,
)
from schemas.errors import RequestError
from schemas.manifests import File, Part, Release, Run, Taken, Tombstone
from schemas.templates import TEMPLATES, Template

__all__ = [
    "TEMPLATES",
    "Access",
    "Archive",
    "Benchmark",
    "Choice",
    "Dataset",
    "File",
    "Malformed",
    "Part",
    "Raw",
    "Release",
    "Remote",
    "RequestError",
    "Row",
    "Run",
    "Taken",
    "Template",
    "Tombstone",
]
