"""How many components a mixture uses, and how much what they stand for differs."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import pdist, squareform

from bench.metrics.arrays import finite

__all__ = ["component_separation", "components_used"]


def component_separation(images: ArrayLike, error: float) -> float | None:
    """How far components' decoded means are from each other, in units of the reconstruction error.

    The mean over components of the mean squared difference per data coordinate to the nearest other
    one, divided by the error. Above 1 the images that components stand for differ by more than the
    model loses of an image; at 0 each has a copy. This project's own.

    Arguments:
        images: a component's decoded mean each [K, D].
        error: mean squared error per data coordinate of the model's reconstructions.

    Returns:
        A number of at least 0, or None where it is undefined: fewer than two components, or no
        error.

    Raises:
        ValueError: not two axes, or a value that is not finite.
    """
    images = finite("images", images, 2)
    if len(images) < 2 or not error > 0:
        return None
    squares = squareform(pdist(images, "sqeuclidean"))
    np.fill_diagonal(squares, np.inf)
    return float(squares.min(axis=1).mean() / images.shape[1] / error)


def components_used(shares: ArrayLike) -> float:
    """The perplexity exp(H) of shares, H their entropy in nats: as many components used alike have
    the same entropy (Shannon, "A mathematical theory of communication", 1948).

    Arguments:
        shares: of each component [K], at least 0, with a sum above 0.

    Returns:
        A number from 1 to K.

    Raises:
        ValueError: not one axis, a value that is not finite, or no shares.
    """
    shares = finite("shares", shares, 1)
    if (shares < 0).any() or not shares.sum() > 0:
        raise ValueError("shares: expected numbers of at least 0 that are not all 0")
    from scipy.stats import entropy

    return float(np.exp(entropy(shares)))
