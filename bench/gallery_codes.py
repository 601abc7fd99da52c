"""A trained stack's codes to what can be drawn of them: correlations, mask, quantiles by label."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from bench import metrics
from bench.data.base import DataSet
from bench.real import blocks
from bench.systems.base import Autoencoder

__all__ = ["QUANTILES", "encoded", "joined", "told"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@torch.no_grad()
def encoded(model: Autoencoder, points: DataSet) -> Tensor:
    """The codes z = E[z | x] [cells, N, width] of the test split, as the decoder gets them."""
    places = blocks(len(points.test), torch.Size(points.shape).numel())
    return torch.cat([model.encode(points.batch("test", place)).cpu() for place in places], 1)


def told(
    codes: np.ndarray, mask: np.ndarray | None, labels: np.ndarray | None
) -> dict[str, np.ndarray]:
    """What is told of one cell's codes [N, m]: `correlation` [m, m], see `metrics.correlation`;
    `mask` [m], where there is one; and with labels [N] `quantiles` [m, L, 5], the `QUANTILES` of
    each coordinate by label, in the labels' order."""
    found = {"correlation": metrics.correlation(codes)}
    if mask is not None:
        found["mask"] = mask
    if labels is not None:
        own = [np.quantile(codes[labels == it], QUANTILES, axis=0) for it in np.unique(labels)]
        found["quantiles"] = np.stack(own).transpose(2, 0, 1)
    return found


def joined(cells: Iterable[Mapping[str, np.ndarray]], count: int) -> dict[str, np.ndarray]:
    """What `told` tells of C cells as float32 arrays [C, W, ...], W the largest latent dimension:
    `correlation` [C, W, W], `mask` [C, W] and `quantiles` [C, W, L, 5]; NaN beyond a cell's own.

    Arguments:
        count: L, the number of labels.
    """
    cells = list(cells)
    width = max((len(it["correlation"]) for it in cells), default=0)
    shapes = {"correlation": (width, width), "mask": (width,), "quantiles": (width, count, 5)}
    found = {}
    for name in cells[0] if cells else ("correlation",):
        found[name] = np.full((len(cells), *shapes[name]), np.nan, np.float32)
        for whole, cell in zip(found[name], cells, strict=True):
            whole[tuple(map(slice, cell[name].shape))] = cell[name]
    return found
