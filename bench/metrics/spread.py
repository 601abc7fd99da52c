"""Where sets of points lie and how far they spread, from points that come in blocks."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import finite

__all__ = ["Spread", "mean_gap", "variance_ratio"]


class Spread:
    """Mean and variances of points [N, D] that are added in blocks, float64.

    Blocks are put together as Chan, Golub and LeVeque, "Algorithms for computing the sample
    variance: analysis and recommendations" (1983), have it: no difference of large squares is
    taken.
    """

    def __init__(self):
        from sklearn.preprocessing import StandardScaler

        self._scaler = StandardScaler()

    def add(self, points: ArrayLike) -> None:
        """A block [N, D].

        Raises:
            ValueError: not two axes, no row, another D than before, or a value that is not finite.
        """
        self._scaler.partial_fit(finite("points", points, 2))

    @property
    def mean(self) -> np.ndarray:
        """[D]."""
        return self._scaler.mean_

    @property
    def variance(self) -> float:
        """The total variance: the sum of the coordinates' variances (÷ N)."""
        return float(self._scaler.var_.sum())


def mean_gap(generated: Spread, real: Spread) -> float | None:
    """‖mean of generated − mean of real‖² as a share of the total variance of the real points.

    0 is the same mean, and 1 a mean as far off as points are from their own, in the square mean.

    Returns:
        A number of at least 0, or None where the real points are all the same.
    """
    if not real.variance > 0:
        return None
    return float(np.sum((generated.mean - real.mean) ** 2) / real.variance)


def variance_ratio(generated: Spread, real: Spread) -> float | None:
    """The total variance of generated points over that of the real ones.

    0 is one point again and again, 1 as much variety as there is.

    Returns:
        A number of at least 0, or None where the real points are all the same.
    """
    return generated.variance / real.variance if real.variance > 0 else None
