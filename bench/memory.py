"""How many cells of a perceptron's curve are one stack: as many as fit the memory."""

from collections.abc import Sequence
from itertools import pairwise

from bench.net import Net

__all__ = ["COPIES", "of_cell", "split"]

COPIES = 8
"""Of parameters and activations: gradients, Adam's two moments, a checkpoint, temporaries."""

_ROWS, _LIVE = 2000, 4
"""Rows of a block that is measured, and how many of its widest tensors there are at a time."""


def of_cell(net: Net, size: int, dim: int, batch: int, options: object) -> int:
    """Bytes that a cell adds to a stack in training, or when it is decoded: an upper bound, counted
    from widths. Features of its samples are kept beside that.

    Arguments:
        net: an mlp.
        size: of a datum, the number of its coordinates.
        dim: the largest latent dimension of the stack.
        batch: rows of a step.
        options: a system's; a mixture prior's components may be encoded beside the batch.
    """
    coder, critic = [size, *net.hidden, max(32, dim)], [max(32, dim), *net.hidden, 1]
    components, wide = getattr(options, "components", 0), getattr(options, "width", 0)
    second = [coder[-1], wide, wide, wide, coder[-1]]
    nets = [coder, coder, critic, second, second]
    weights = sum(a * b for widths in nets for a, b in pairwise(widths))
    weights += components * (size + 2 * coder[-1])
    rows = batch + components
    # Divergences compare each row of the batch with each other, or with each component.
    numbers = weights + rows * (sum(map(sum, nets)) + batch)
    measured = _ROWS * (max(coder) + components)
    return 4 * (COPIES * numbers + _LIVE * measured)


def split(dims: Sequence[int], each: int, room: int) -> list[list[int]]:
    """Cells in order, in as few parts as fit `room` bytes at `each` bytes a cell, of nearly one
    size; a cell that does not fit is a part of its own."""
    parts = -(-len(dims) // max(1, room // each))
    ends = [len(dims) * k // parts for k in range(parts + 1)] if parts else []
    return [list(dims[start:end]) for start, end in pairwise(ends)]
