"""How many dimensions a set of points has: principal components, and nearest neighbours' ratios."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import drawn, finite

__all__ = ["mle_dimension", "pca_dimension", "two_nn"]

_MOST = 10_000
"""Points that are looked at, by default: time and memory grow with their square."""

_VALUES = 2**21  # of differences at a time


def pca_dimension(
    x: ArrayLike, share: float = 0.95, most: int = _MOST, seed: int = 0
) -> int | None:
    """The least number of principal components that have at least `share` of the variance.

    It counts directions of a flat subspace, so a curved set has more than its own dimension, and a
    direction of small variance is not counted at all. It depends on the coordinates' scales.

    Arguments:
        x: points [N, D], N at least 2.
        share: in (0, 1].
        most: where N is above it, so many points are drawn without replacement.
        seed: of that draw.

    Returns:
        A number from 1 to D, or None where all points are the same: there is no variance.

    Raises:
        ValueError: not two axes, fewer than two rows, a value that is not finite, or `share` out of
            range.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share} of the variance")
    x = _drawn(x, most, seed, least=2)
    if (x == x[0]).all():
        return None
    x = x - x.mean(axis=0)
    # Both products have the same eigenvalues but for zeros; the smaller one is enough.
    scatter = x.T @ x if x.shape[1] <= len(x) else x @ x.T
    explained = np.cumsum(np.linalg.eigvalsh(scatter)[::-1])
    # A share that is reached but for rounding is reached.
    return int(np.count_nonzero(explained < share * (1 - 1e-9) * explained[-1])) + 1


def two_nn(x: ArrayLike, discarded: float = 0.1, most: int = _MOST, seed: int = 0) -> float | None:
    """The dimension d in which the distances to the two nearest neighbours have the found ratios.

    Facco, d'Errico, Rodriguez and Laio, "Estimating the intrinsic dimension of datasets by a
    minimal neighborhood information" (2017): where the density is constant as far as the second
    neighbour, μ = r₂ / r₁ has the distribution F(μ) = 1 − μ^−d. So d is the slope of the
    least-squares line through the origin and the points (log μ_i, −log(1 − i/N)), μ in ascending
    order. The largest 10 % are discarded, as there: they are noisy, and N itself has no logarithm.

    Copies of a point count as one: under a density they do not occur, and no ratio is defined.

    Few points in a high dimension see edges, curvature and changes of density before their second
    neighbour. Most often the estimate is then too small: of 2,000 points in 2, 5 and 10 dimensions
    2.0, 5.1 and 9.5 for a normal distribution, 2.0, 4.7 and 8.4 for a cube. A set that folds back
    on itself makes it too large: 2.0, 5.2 and 11.9 for a flat torus in 4, 10 and 20 coordinates.
    Over such sets of points it deviates by 0.05, 0.2 and 0.3.

    Arguments:
        x: points [N, D], N at least 3.
        discarded: the share of the largest ratios that is left out, in (0, 1).
        most: where N is above it, so many points are drawn without replacement. With fewer points
            the same set is seen more coarsely: compare only at the same number.
        seed: of that draw.

    Returns:
        A number above 0, or None where it is undefined: fewer than three different points, or all
        ratios that are left are 1 (a lattice).

    Raises:
        ValueError: not two axes, fewer than three rows, a value that is not finite, or `discarded`
            out of range.
    """
    if not 0 < discarded < 1:
        raise ValueError(f"a share of {discarded} of the ratios discarded")
    distances = _nearest(_drawn(x, most, seed, least=3), 2)
    if distances is None:
        return None
    count = len(distances)
    kept = int(count * (1 - discarded))
    ratios = np.sort(np.log(distances[:, 1] / distances[:, 0]))[:kept]
    heights = -np.log1p(-np.arange(1, kept + 1) / count)
    spread = ratios @ ratios
    return float(ratios @ heights / spread) if spread > 0 else None


def mle_dimension(
    x: ArrayLike, neighbours: int = 20, most: int = _MOST, seed: int = 0
) -> float | None:
    """The most likely dimension, by the distances T_1 ≤ … ≤ T_k to the k nearest neighbours.

    Levina and Bickel, "Maximum likelihood estimation of intrinsic dimension" (2004), equation 8:
    where the density is constant as far as the k-th neighbour, 1/d at one point is the mean over
    j < k of log(T_k / T_j). The points are put together as MacKay and Ghahramani, "Comments on
    'Maximum likelihood estimation of intrinsic dimension' by E. Levina and P. Bickel" (2005), have
    it: the likelihood's maximum over all is the inverse of the points' mean 1/d, where the mean of
    d, each too large, would be too large as well.

    Copies of a point count as one, and biases are of the same kind, as in `two_nn`. A larger k sees
    further, so it deviates less and has more bias: with k = 20, of the same points, 2.0, 5.0 and
    9.1 (normal), 2.0, 4.5 and 8.1 (cube), 2.0, 5.5 and 12.7 (torus), deviation 0.01, 0.03 and 0.06.

    Arguments:
        x: points [N, D].
        neighbours: k, at least 2 and below N; the paper takes 10 to 20.
        most: where N is above it, so many points are drawn without replacement. With fewer points
            the same set is seen more coarsely: compare only at the same number.
        seed: of that draw.

    Returns:
        A number above 0, or None where it is undefined: no more than `neighbours` different points,
        or each one's k neighbours are equally far.

    Raises:
        ValueError: not two axes, fewer than two rows, a value that is not finite, or `neighbours`
            out of range.
    """
    x = _drawn(x, most, seed, least=2)
    if not 2 <= neighbours < len(x):
        raise ValueError(f"{neighbours} neighbours among {len(x)} points")
    distances = _nearest(x, neighbours)
    if distances is None:
        return None
    inverse = np.log(distances[:, -1:] / distances[:, :-1]).mean()
    return float(1 / inverse) if inverse > 0 else None


def _drawn(x: ArrayLike, most: int, seed: int, least: int) -> np.ndarray:
    """At most `most` of the points, checked: only these become float64."""
    x = np.asarray(x)
    return finite("x", x[drawn(len(x), most, seed)] if x.ndim == 2 else x, 2, least)


def _nearest(x: np.ndarray, neighbours: int) -> np.ndarray | None:
    """The distances from each different point to its nearest others, ascending [n, neighbours].

    None where there are too few different points.
    """
    # Near the origin fewer digits are lost; and −0 + 0 is 0, so that equal rows have equal bytes.
    x = x - x.mean(axis=0) + 0.0
    x = x[list({row.tobytes(): i for i, row in enumerate(x)}.values())]
    if len(x) <= neighbours:
        return None
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(x)
    index = search.kneighbors(return_distance=False)
    # The search takes |a|² − 2ab + |b|², which has few digits of a distance far below |a|: down to
    # 1e-7 of |a| enough to find who is near, but not to say how near.
    distances = np.empty(index.shape)
    rows = max(1, _VALUES // (neighbours * x.shape[1]))
    for start in range(0, len(x), rows):
        block = slice(start, start + rows)
        distances[block] = np.linalg.norm(x[index[block]] - x[block, None], axis=-1)
    return np.sort(distances, axis=1)
