"""How correlated the coordinates of a code are."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import finite

__all__ = ["correlation", "mean_correlation", "nac"]


def correlation(codes: ArrayLike) -> np.ndarray:
    """Normalised absolute covariance |C_ij| / sqrt(C_ii C_jj), C the covariance of the codes.

    Arguments:
        codes: [N, D], N at least 2.

    Returns:
        [D, D], values in [0, 1]; NaN in the rows and columns of a coordinate that is constant, and
        so has no correlation with any.

    Raises:
        ValueError: not two axes, fewer than two rows, or a value that is not finite.
    """
    codes = finite("codes", codes, 2, least=2)
    found = np.full((codes.shape[1],) * 2, np.nan)
    if codes.size and (varied := codes.min(axis=0) < codes.max(axis=0)).any():
        matrix = np.atleast_2d(np.corrcoef(codes[:, varied], rowvar=False))
        found[np.ix_(varied, varied)] = np.abs(matrix)
    return found


def mean_correlation(matrix: np.ndarray) -> float | None:
    """The mean over i ≠ j of a `correlation` [D, D], of the coordinates that have one; None of
    fewer than two."""
    kept = ~np.isnan(matrix.diagonal())
    count = int(kept.sum())
    if count < 2:
        return None
    matrix = matrix[np.ix_(kept, kept)].astype(float)
    return float((matrix.sum() - np.trace(matrix)) / (count * (count - 1)))


def nac(codes: ArrayLike, active: ArrayLike | None = None) -> float | None:
    """Normalised absolute covariance: the mean over i ≠ j of |C_ij| / sqrt(C_ii C_jj).

    C is the covariance of the codes. It is 0 for uncorrelated coordinates and 1 where each is a
    linear function of each other. Our reading of the "averaged off-diagonal normalised absolute
    covariance" of Mondal et al., "MaskAAE: Latent space optimization for adversarial auto-encoders"
    (2020), whose formula is not given.

    A coordinate that is constant has no correlation with any other and is left out, as one that is
    not active.

    Arguments:
        codes: [N, D], N at least 2.
        active: booleans [D], the coordinates to look at; all by default.

    Returns:
        A number in [0, 1], or None where it is undefined: fewer than two coordinates are left.

    Raises:
        ValueError: not two axes, fewer than two rows, a value that is not finite, or `active` is
            not D booleans.
    """
    codes = finite("codes", codes, 2, least=2)
    if active is not None:
        active = np.asarray(active)
        if active.dtype != bool or active.shape != codes.shape[1:]:
            raise ValueError(
                f"active: expected booleans [{codes.shape[1]}], got {active.dtype} {active.shape}"
            )
        codes = codes[:, active]
    return mean_correlation(correlation(codes))
