"""How far a Fréchet distance would move with other generated samples."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import finite
from bench.metrics.frechet import distance, gaussian, moments

__all__ = ["frechet_interval"]


def frechet_interval(
    generated: ArrayLike,
    real_moments: tuple[ArrayLike, ArrayLike],
    replicates: int = 200,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """An interval for the Fréchet distance: the bootstrap over the generated samples.

    Efron, "Bootstrap methods: another look at the jackknife" (1979): the N samples are drawn from
    themselves, with replacement, and the distance is measured again. Drawing adds the bias of N
    samples once more, so the replicates are moved until their mean is the distance itself; the
    interval is between their quantiles. It is about the mean distance over sets of N samples from
    this one generator. It says nothing of the bias of N, of the real samples, which stay as they
    are, or of other training seeds.

    Where that bias is small beside the distance, the interval covers as it says. Where it is most
    of the distance, the interval is too wide: measured at a true distance of 0, 1.7 times with N
    far above D, and nearly thrice at N = 2.5 D.

    Arguments:
        generated: features [N, D], N at least 2.
        real_moments: mean [D] and covariance [D, D] of the real features, see `moments`.
        replicates: how many, at least 2.
        seed: of the replicates.
        confidence: between 0 and 1.

    Returns:
        The lower end, at least 0, and the upper end.

    Raises:
        ValueError: shapes that do not fit, a value that is not finite, no covariance matrix, or
            `replicates` or `confidence` out of range.
    """
    generated = finite("generated", generated, 2, least=2)
    if replicates < 2 or not 0 < confidence < 1:
        raise ValueError(f"{replicates} replicates at confidence {confidence}")
    real = gaussian("real", *real_moments)
    estimate = distance(gaussian("generated", *moments(generated)), real)
    count = len(generated)
    mean = generated.mean(axis=0)
    centred = generated - mean
    rng = np.random.default_rng(seed)
    found = np.empty(replicates)
    for i in range(replicates):
        times = np.bincount(rng.integers(count, size=count), minlength=count)
        shift = times @ centred / count
        # A product of a matrix with its own transpose takes half the time of another.
        scaled = np.sqrt(times)[:, None] * centred
        cov = (scaled.T @ scaled - count * np.outer(shift, shift)) / (count - 1)
        found[i] = distance(gaussian("generated", mean + shift, cov), real)
    tail = (1 - confidence) / 2
    low, high = estimate - found.mean() + np.quantile(found, [tail, 1 - tail])
    return max(float(low), 0.0), float(high)
