"""Where progress goes: the flow run's log under a Prefect worker, else lines on stderr."""

import os
import time

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from flows.steps.progress import Progress, counted

_EVERY = 5.0  # seconds between two log lines of one label


def progress() -> Progress:
    """A Progress for the task that is running."""
    if "PREFECT__FLOW_RUN_ID" not in os.environ:
        return counted()
    try:
        logger = get_run_logger()
    except MissingContextError:
        return counted()
    shown: dict[str, float] = {}

    def log(label: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - shown.get(label, 0.0) >= _EVERY:
            shown[label] = now
            logger.info("%s %d/%d", label, done, total)

    return log
