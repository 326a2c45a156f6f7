"""What a flow run shows: progress in its log and as bars under a Prefect worker, else on stderr."""

import os
import time
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from flows.steps.progress import Progress, counted

_EVERY = 5.0  # seconds between two log lines of one label


def progress(artifact: bool = False) -> Progress:
    """A Progress for the task that is running; `artifact`: also a bar in Prefect's UI."""
    if "PREFECT__FLOW_RUN_ID" not in os.environ:
        return counted()
    try:
        logger = get_run_logger()
    except MissingContextError:
        return counted()
    shown: dict[str, float] = {}
    bars: dict[str, UUID] = {}

    def log(label: str, done: int, total: int) -> None:
        now, subject = time.monotonic(), label.partition(":")[0]
        if done >= total or now - shown.get(subject, 0.0) >= _EVERY:
            shown[subject] = now
            logger.info("%s %d/%d", label, done, total)
            if artifact:
                _draw(bars, subject, label, 100 * done / max(1, total))

    return log


def table(key: str, lines: list[dict[str, Any]], description: str) -> None:
    """A table in Prefect's UI, kept with the flow run."""
    create_table_artifact(lines, key=key, description=description)


def _draw(bars: dict[str, UUID], subject: str, label: str, percent: float) -> None:
    if subject in bars:
        update_progress_artifact(bars[subject], progress=percent, description=label)
        return
    key = "".join(letter if letter.isalnum() else "-" for letter in subject.lower())
    made = create_progress_artifact(percent, key=key, description=label)
    assert isinstance(made, UUID)  # not awaited: a task is no coroutine
    bars[subject] = made
