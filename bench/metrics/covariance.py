"""How correlated the coordinates of a code are."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import finite

__all__ = ["nac"]


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
    kept = codes.min(axis=0) < codes.max(axis=0)
    if active is not None:
        active = np.asarray(active)
        if active.dtype != bool or active.shape != kept.shape:
            raise ValueError(
                f"active: expected booleans [{len(kept)}], got {active.dtype} {active.shape}"
            )
        kept &= active
    count = int(kept.sum())
    if count < 2:
        return None
    correlation = np.abs(np.corrcoef(codes[:, kept], rowvar=False))
    return float((correlation.sum() - np.trace(correlation)) / (count * (count - 1)))
