"""What the metrics ask of an array before they compute with it."""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["alike", "drawn", "finite"]


def finite(name: str, values: ArrayLike, ndim: int, least: int = 1) -> np.ndarray:
    """`values` in float64.

    Raises:
        ValueError: not `ndim` axes, fewer than `least` rows, or a value that is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != ndim or len(array) < least:
        raise ValueError(
            f"{name}: expected {ndim} axes and at least {least} rows, got shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: a value is not finite")
    return array


def drawn(count: int, most: int, seed: int) -> np.ndarray | slice:
    """Of `count` rows at most `most`: all, or so many of them, drawn without replacement."""
    if count <= most:
        return slice(None)
    return np.random.default_rng(seed).choice(count, most, replace=False)


def alike(**sets: ArrayLike) -> list[np.ndarray]:
    """Sets of features [·, D] by name, each `finite` with two rows or more, of one width D.

    Raises:
        ValueError: as `finite`, or two widths.
    """
    arrays = [finite(name, values, 2, least=2) for name, values in sets.items()]
    widths = [array.shape[1] for array in arrays]
    if len(set(widths)) > 1:
        raise ValueError(f"features of {' and of '.join(map(str, widths))} dimensions")
    return arrays
