"""Gradients over processes and over parts of a batch, alike for the contrastive and Pengi stage."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pengi_model.encoders import MelNorm
from pengi_model.ranks import Ranks


def parallel(module: nn.Module, ranks: Ranks, unused: bool = False) -> nn.Module:
    """`module`, its gradients averaged over all processes; only weights that are trained count.

    `unused`: some of them have no gradient at some steps.
    """
    if ranks.world == 1:
        return module
    return DistributedDataParallel(
        module,
        device_ids=[ranks.device.index] if ranks.device.type == "cuda" else None,
        broadcast_buffers=False,  # the only ones that change, MelNorm's, are the same everywhere
        find_unused_parameters=unused,
        gradient_as_bucket_view=True,
    )


def one_reduction(module: nn.Module, last: bool) -> Any:
    """Around each part's forward and backward: gradients are averaged once, after the last."""
    if isinstance(module, DistributedDataParallel) and not last:
        return module.no_sync()
    return nullcontext()


@contextmanager
def kept_statistics(module: nn.Module) -> Iterator[None]:
    """Batch norms do not count what they see while this is open: it is seen again."""
    norms = [each for each in module.modules() if isinstance(each, MelNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def by_template(losses: Tensor, counts: Tensor | None, templates: NDArray[Any], n: int) -> Tensor:
    """Sums (2, n) of the samples' losses and counts (default: one each) by template number."""
    values = torch.stack([losses, torch.ones_like(losses) if counts is None else counts])
    place = torch.from_numpy(templates).to(losses.device)
    return values.new_zeros(2, n).index_add_(1, place, values)
