"""Sums of inverse multiquadratic kernels with their slopes, entry by entry.

On the CPU an entry is computed in one pass by Numba, with the operations of `plain` in their order,
and so with its bits. A GPU runs `plain`, which is of torch's operations.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

__all__ = ["imq", "plain"]


def plain(
    products: Tensor, rows: Tensor, columns: Tensor, scales: Tensor, sloping: int
) -> tuple[Tensor, Tensor]:
    """As `imq`, on any device."""
    distances = torch.add(rows[..., None], columns[..., None, :])
    distances.sub_(products, alpha=2).clamp_(min=0)
    kernel, ratio = torch.zeros_like(distances), torch.empty_like(distances)
    slope, own = torch.zeros_like(distances[:sloping]), ratio[:sloping]
    for c in scales[..., None, None]:
        torch.add(distances, c, out=ratio)
        kernel += torch.div(c, ratio, out=ratio)
        slope.addcdiv_(own.square_(), c, value=-1)
    return kernel, slope.mul_(distances[:sloping].sign_())


def _entries(
    products: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    scales: np.ndarray,
    kernel: np.ndarray,
    slope: np.ndarray,
) -> None:
    pairs, cells, count, width = products.shape
    # Of the numbers' own type: an integer would make them double.
    zero, one = products.dtype.type(0), products.dtype.type(1)
    distance = np.empty(width, products.dtype)
    for line in range(pairs * cells * count):
        pair, cell, i = line // (cells * count), line // count % cells, line % count
        norm, others, product = rows[pair, cell, i], columns[pair, cell], products[pair, cell, i]
        total = kernel[pair, cell, i]
        # Each of these loops is one of vector instructions.
        for j in range(width):
            value = (norm + others[j]) - (product[j] + product[j])
            distance[j] = zero if value < zero else value
            total[j] = zero
        if pair < len(slope):
            slopes = slope[pair, cell, i]
            slopes[:] = zero
            for s in range(len(scales)):
                c = scales[s, cell]
                for j in range(width):
                    ratio = c / (distance[j] + c)
                    total[j] += ratio
                    slopes[j] -= (ratio * ratio) / c
            for j in range(width):
                slopes[j] *= zero if distance[j] == zero else one
        else:
            for s in range(len(scales)):
                c = scales[s, cell]
                for j in range(width):
                    total[j] += c / (distance[j] + c)


@cache
def _compiled() -> Callable[..., None]:
    # Its import takes a while: only what has an MMD should wait for it.
    import numba

    return numba.njit(cache=True, error_model="numpy")(_entries)


def _on_cpu(
    products: Tensor, rows: Tensor, columns: Tensor, scales: Tensor, sloping: int
) -> tuple[Tensor, Tensor]:
    kernel = products.new_empty(products.shape)
    slope = products.new_empty(sloping, *products.shape[1:])
    given = products, rows, columns, scales, kernel, slope
    # Reading numbers is this operation's own matter, whoever watches those that call it.
    with torch._C.DisableTorchFunction():
        _compiled()(*(tensor.contiguous().numpy() for tensor in given))
    return kernel, slope


# As an operation of torch's it is one of a recording as well.
_library = torch.library.Library("bench", "DEF")
_library.define(
    "imq(Tensor products, Tensor rows, Tensor columns, Tensor scales, int sloping)"
    " -> (Tensor, Tensor)"
)
_library.impl("imq", _on_cpu, "CPU")
_library.impl("imq", plain, "CompositeExplicitAutograd")


def imq(
    products: Tensor, rows: Tensor, columns: Tensor, scales: Tensor, sloping: int
) -> tuple[Tensor, Tensor]:
    """Kernel matrices k = Σ_s C_s / (C_s + d), and their slopes ∂k / ∂d, of squared distances d;
    it has no gradient of its own.

    Where rounding makes a distance negative it is 0, and so is the slope; a point has distance 0
    from itself.

    Arguments:
        products: inner products of points x and y [pairs, cells, N, M].
        rows: squared norms of the points x [pairs, cells, N].
        columns: squared norms of the points y [pairs, cells, M].
        scales: C_s [scales, cells].
        sloping: so many pairs, from the first, have slopes.

    Returns:
        k [pairs, cells, N, M] and the slopes [sloping, cells, N, M].
    """
    return torch.ops.bench.imq(products, rows, columns, scales, sloping)
