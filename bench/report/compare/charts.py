"""Curves of metrics as text: one block a latent dimension."""

from collections.abc import Sequence

import numpy as np

__all__ = ["sparks"]

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparks(*curves: Sequence[float]) -> list[str]:
    """Curves on one common scale, logarithmic where all numbers are above 0; `·` where there is no
    finite number.

    Example:
        >>> sparks([1, 2, 4], [1, 8, float("nan")])
        ['▁▃▆', '▁█·']
    """
    values = np.array(curves, dtype=float)
    values[~np.isfinite(values)] = np.nan
    known = values[~np.isnan(values)]
    if known.size and (known > 0).all():
        values, known = np.log(values), np.log(known)
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    share = (values - low) / (high - low) if high > low else values * 0
    return ["".join(map(_block, row)) for row in share]


def _block(share: float) -> str:
    return "·" if np.isnan(share) else _BLOCKS[round(share * (len(_BLOCKS) - 1))]
