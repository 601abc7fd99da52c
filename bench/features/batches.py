"""A function of images, applied to a few at a time."""

from collections.abc import Callable

import numpy as np
import torch

from bench.device import place

__all__ = ["in_batches"]


@torch.no_grad()
def in_batches(
    function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, width: int, batch: int
) -> np.ndarray:
    """What `function` makes of [N, ...], `batch` rows at a time and on the device of this
    block: float32 [N, width].

    The result is written where it will lie: joining parts would take its memory twice.
    """
    out = np.empty((len(x), width), dtype=np.float32)
    for start in range(0, len(x), batch):
        part = x[start : start + batch]
        out[start : start + len(part)] = function(place(part)).cpu().numpy()
    return out
