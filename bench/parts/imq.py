"""Sums of inverse multiquadratic kernels with their slopes, entry by entry.

On the CPU an entry is computed in one pass by Numba, with the operations of `plain` in their order,
and so with its bits. A GPU runs `plain`, which is of torch's operations.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

__all__ = ["imq", "on_cpu", "plain"]


def plain(
    products: Sequence[Tensor],
    norms: Sequence[Tensor],
    rows: Sequence[int],
    columns: Sequence[int],
    scales: Tensor,
    sloping: int,
) -> tuple[Tensor, Tensor]:
    """As `imq`, on any device."""
    of_rows, of_columns = (torch.stack([norms[it] for it in sets]) for sets in (rows, columns))
    distances = torch.add(of_rows[..., None], of_columns[..., None, :])
    distances.sub_(torch.stack(tuple(products)), alpha=2).clamp_(min=0)
    kernel, ratio = torch.zeros_like(distances), torch.empty_like(distances)
    slope, own = torch.zeros_like(distances[:sloping]), ratio[:sloping]
    for c in scales[..., None, None]:
        torch.add(distances, c, out=ratio)
        kernel += torch.div(c, ratio, out=ratio)
        slope.addcdiv_(own.square_(), c, value=-1)
    slope.mul_(distances[:sloping].sign_())
    for pair in range(sloping):
        if rows[pair] == columns[pair]:
            slope[pair].diagonal(dim1=-2, dim2=-1).zero_()
    return kernel, slope


def _entries(
    products: tuple[np.ndarray, ...],
    norms: tuple[np.ndarray, ...],
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    scales: np.ndarray,
    kernel: np.ndarray,
    slope: np.ndarray,
) -> None:
    pairs, cells, count, width = kernel.shape
    # Of the numbers' own type: an integer would make them double.
    zero, one = kernel.dtype.type(0), kernel.dtype.type(1)
    distance = np.empty(width, kernel.dtype)
    for pair in range(pairs):
        of_rows, of_columns, of_pair = norms[rows[pair]], norms[columns[pair]], products[pair]
        for line in range(cells * count):
            cell, i = line // count, line % count
            norm, others, product = of_rows[cell, i], of_columns[cell], of_pair[cell, i]
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
                if rows[pair] == columns[pair]:
                    slopes[i] = zero
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


def on_cpu(
    products: Sequence[Tensor],
    norms: Sequence[Tensor],
    rows: Sequence[int],
    columns: Sequence[int],
    scales: Tensor,
    sloping: int,
) -> tuple[Tensor, Tensor]:
    """As `imq`, on the CPU."""
    shape = products[0].shape
    kernel, slope = (scales.new_empty(pairs, *shape) for pairs in (len(products), sloping))
    # Reading numbers is this operation's own matter, whoever watches those that call it.
    with torch._C.DisableTorchFunction():
        products, norms, (scales, *results) = (
            tuple(tensor.contiguous().numpy() for tensor in tensors)
            for tensors in (products, norms, (scales, kernel, slope))
        )
        _compiled()(products, norms, tuple(rows), tuple(columns), scales, *results)
    return kernel, slope


# As an operation of torch's it is one of a recording as well.
_library = torch.library.Library("bench", "DEF")
_library.define(
    "imq(Tensor[] products, Tensor[] norms, int[] rows, int[] columns, Tensor scales,"
    " int sloping) -> (Tensor, Tensor)"
)
_library.impl("imq", on_cpu, "CPU")
_library.impl("imq", plain, "CompositeExplicitAutograd")


def imq(
    products: Sequence[Tensor],
    norms: Sequence[Tensor],
    rows: Sequence[int],
    columns: Sequence[int],
    scales: Tensor,
    sloping: int,
) -> tuple[Tensor, Tensor]:
    """Kernel matrices k = Σ_s C_s / (C_s + d), and their slopes ∂k / ∂d, of squared distances d;
    it has no gradient of its own.

    Where rounding makes a distance negative it is 0, and so is the slope; a point has distance 0
    from itself.

    Arguments:
        products: of each pair of sets, inner products of points x and y [cells, N, M].
        norms: of each set, squared norms of its points [cells, N].
        rows: of each pair, which set x is of.
        columns: of each, which set y is of. In a pair of a set with itself the slope of a point
            with itself is 0, whatever rounding makes of their distance.
        scales: C_s [scales, cells].
        sloping: so many pairs, from the first, have slopes.

    Returns:
        k [pairs, cells, N, M] and the slopes [sloping, cells, N, M].
    """
    return torch.ops.bench.imq(products, norms, rows, columns, scales, sloping)
