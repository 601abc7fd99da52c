"""The kernel distance between two sets of features."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import alike

__all__ = ["Kid", "kid"]

# Rows of a kernel matrix at a time: 128 × 1,000 numbers stay in a core's cache.
_ROWS = 128


class Kid(NamedTuple):
    """The mean and the standard deviation of an estimate over subsets."""

    mean: float
    deviation: float


def kid(
    features_a: ArrayLike,
    features_b: ArrayLike,
    subsets: int = 100,
    size: int | None = None,
    seed: int = 0,
) -> Kid:
    """The squared maximum mean discrepancy with the kernel (x·y/D + 1)³, unbiased.

    Bińkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs" (2018): the estimate of
    equation 4 on each of several random subsets, each drawn from both sets without replacement. Its
    expectation does not depend on the numbers of samples; it may be negative.

    Arguments:
        features_a, features_b: [N, D] and [M, D], with N and M at least 2.
        subsets: how many subsets, at least 1.
        size: the rows of a subset from each set, at least 2 and at most N and M; by default 1,000,
            or all rows of the smaller set where it has fewer.
        seed: of the subsets.

    Returns:
        The mean over the subsets, and their standard deviation (÷ `subsets`). The subsets overlap,
        so it is not the standard error of the mean; it is 0 where each is both whole sets.

    Raises:
        ValueError: not two axes, another D, fewer than two rows, a value that is not finite, or
            `subsets` or `size` out of range.
    """
    features_a, features_b = alike(features_a=features_a, features_b=features_b)
    most = min(len(features_a), len(features_b))
    size = min(1000, most) if size is None else size
    if subsets < 1 or not 2 <= size <= most:
        raise ValueError(f"{subsets} subsets of {size} rows: the smaller set has {most}")
    rng = np.random.default_rng(seed)
    sets = features_a, features_b
    found = [
        _discrepancy(*(rows[rng.choice(len(rows), size, replace=False)] for rows in sets))
        for _ in range(subsets)
    ]
    return Kid(float(np.mean(found)), float(np.std(found)))


def _discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    """Equation 4, of as many x [n, D] as y [n, D]."""
    n, width = x.shape
    # The estimate leaves a point's kernel with itself out.
    own = sum(((np.sum(z**2, axis=1) / width + 1) ** 3).sum() for z in (x, y))
    within = (_kernel_sum(x, x) + _kernel_sum(y, y) - own) / (n * (n - 1))
    return within - 2 * _kernel_sum(x, y) / n**2


def _kernel_sum(x: np.ndarray, y: np.ndarray) -> float:
    total = 0.0
    for start in range(0, len(x), _ROWS):
        base = x[start : start + _ROWS] @ y.T
        base /= x.shape[1]
        base += 1
        total += np.vdot(base * base, base)
    return total
