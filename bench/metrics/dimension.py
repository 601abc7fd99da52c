"""How many dimensions a trained system uses."""

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.arrays import finite

__all__ = ["MASK_THRESHOLD", "active_dimensions", "active_units"]


MASK_THRESHOLD = 0.1


def active_dimensions(mask: ArrayLike, threshold: float = MASK_THRESHOLD) -> int:
    """The number of mask values [D] that are at least `threshold`; of none, 0.

    Mondal et al., "MaskAAE: Latent space optimization for adversarial auto-encoders" (2020).

    Raises:
        ValueError: not one axis, or a value that is not finite.
    """
    return int(np.count_nonzero(finite("mask", mask, 1, least=0) >= threshold))


def active_units(means: ArrayLike, threshold: float = 0.01) -> int:
    """The number of code coordinates whose variance over the data is above `threshold`.

    Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders" (2016), section 5.2: a unit
    is active where Var over x of E[z given x] > 0.01. A collapsed posterior, the same for all x,
    is not, however wide it is.

    Arguments:
        means: E[z given x] of each point, [N, D], N at least 2.

    Raises:
        ValueError: not two axes, fewer than two rows, or a value that is not finite.
    """
    variances = finite("means", means, 2, least=2).var(axis=0, ddof=1)
    return int(np.count_nonzero(variances > threshold))
