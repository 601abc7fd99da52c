"""The Fréchet distance that infinitely many generated samples would have."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import finite
from bench.metrics.frechet import distance, gaussian, moments

__all__ = ["fd_infinity"]


def fd_infinity(
    generated: ArrayLike,
    real_moments: tuple[ArrayLike, ArrayLike],
    points: int = 15,
    least: int | None = None,
    seed: int = 0,
) -> float | None:
    """The Fréchet distance extrapolated to infinitely many generated samples.

    Chong and Forsyth, "Effectively unbiased FID and Inception Score and where to find them" (2020),
    section 3: the distance of n samples is a straight line in 1/n, nearly. It is measured at
    `points` numbers of samples, each time of other samples, and the least-squares line is read at
    1/n = 0. The numbers are evenly spaced in n, as in the authors' code. The real features stay as
    they are: the bias of their number remains. The result may be negative.

    Arguments:
        generated: features [N, D].
        real_moments: mean [D] and covariance [D, D] of the real features, see `moments`.
        points: how many numbers of samples, at least 2.
        least: the first of them, at least 2 and below N; the last is N. By default the larger of
            N / 10, as in the paper, and 2 D: near a singular covariance the line is no line.
        seed: of the samples, drawn without replacement.

    Returns:
        The distance, or None where it is undefined: `least` is left out and N is below 4 D.

    Raises:
        ValueError: shapes that do not fit, a value that is not finite, no covariance matrix, or
            `points` or `least` out of range.
    """
    generated = finite("generated", generated, 2, least=2)
    real = gaussian("real", *real_moments)
    count, width = generated.shape
    if least is None:
        if count < 4 * width:
            return None
        least = max(count // 10, 2 * width, 2)
    if points < 2 or not 2 <= least < count:
        raise ValueError(f"{points} points from {least} to {count} samples")
    rng = np.random.default_rng(seed)
    sizes = np.linspace(least, count, points).astype(int)
    draws = (generated[rng.choice(count, size, replace=False)] for size in sizes)
    distances = [distance(gaussian("generated", *moments(draw)), real) for draw in draws]
    _, intercept = np.polyfit(1 / sizes, distances, 1)
    return float(intercept)
