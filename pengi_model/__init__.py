"""The model: torch and transformers, nothing of ours.

Names are imported on first use, so that `pengi_model.order` does not wait for torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pengi_model.config import PAPER, RELEASED, SMALL, TINY, ModelConfig
    from pengi_model.encoders import Clap
    from pengi_model.model import Generation, Pengi

_MODULES = {
    "PAPER": "config",
    "RELEASED": "config",
    "SMALL": "config",
    "TINY": "config",
    "Clap": "encoders",
    "Generation": "model",
    "ModelConfig": "config",
    "Pengi": "model",
}

__all__ = [
    "PAPER",
    "RELEASED",
    "SMALL",
    "TINY",
    "Clap",
    "Generation",
    "ModelConfig",
    "Pengi",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
