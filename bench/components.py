"""The components of a learned mixture prior: how much codes use them, and what they look like."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from bench.systems.base import Autoencoder

__all__ = ["MOST", "Components", "components"]

MOST = 100
"""So many of the most used components are decoded."""


class Components(NamedTuple):
    """Of each cell, with K components.

    Attributes:
        shares: the mean over codes of p(component given code), float64 [cells, K].
        use: the largest shares, descending [cells, at most 100].
        images: those components' decoded means [cells, at most 100, data].
    """

    shares: Tensor
    use: Tensor
    images: Tensor


@torch.no_grad()
def components(model: Autoencoder, codes: Iterable[Tensor]) -> Components | None:
    """The components of a stack's prior, or None where it is no mixture.

    Arguments:
        codes: blocks [cells, batch, width].
    """
    if (prior := model.mixture()) is None:
        return None
    total = torch.zeros_like(prior.log_weights, dtype=torch.float64)
    count = 0
    for z in codes:
        total += prior.responsibilities(z).double().sum(1)
        count += z.shape[1]
    shares = total / count
    use, order = shares.sort(descending=True, stable=True)
    order = order[:, :MOST]
    means = prior.means.gather(1, order[..., None].expand(-1, -1, prior.means.shape[-1]))
    return Components(shares, use[:, :MOST], model.decode(means))
