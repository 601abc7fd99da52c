"""How far reconstructions are from the data."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import finite

__all__ = ["reconstruction_error"]


def reconstruction_error(x: ArrayLike, x_hat: ArrayLike) -> float:
    """Mean squared error per coordinate, of data and reconstructions [N, D], in squared data units.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    x, x_hat = finite("x", x, 2), finite("x_hat", x_hat, 2)
    if x.shape != x_hat.shape:
        raise ValueError(f"data of shape {x.shape}, reconstructions of shape {x_hat.shape}")
    return float(np.mean((x - x_hat) ** 2))
