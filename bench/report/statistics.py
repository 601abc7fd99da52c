"""Means over seeds with Student's t intervals, and the same for paired differences."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import stdtrit

__all__ = ["CONFIDENCE", "Interval", "clearly_smallest", "exponential", "interval", "paired"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its interval; `low` and `high` are None where one seed gives none."""

    mean: float
    low: float | None
    high: float | None
    seeds: tuple[int, ...]
    confidence: float

    @property
    def half_width(self) -> float | None:
        """Half the interval's width, or None where there is no interval."""
        return None if self.high is None else self.high - self.mean

    def above(self, threshold: float) -> bool:
        """Whether the whole interval lies above the threshold."""
        return self.low is not None and self.low > threshold

    def below(self, threshold: float) -> bool:
        """Whether the whole interval lies below the threshold."""
        return self.high is not None and self.high < threshold


def interval(values: pd.Series, comparisons: int = 1) -> Interval | None:
    """The mean of values indexed by seed, with its two-sided t interval; None without a value.

    With `comparisons` > 1 the interval is Bonferroni's: that many of them hold at once with the
    confidence `CONFIDENCE`. Values that are all equal give an interval of width zero.

    Sources: Student, The probable error of a mean, 1908; Dunn, Multiple comparisons among means,
    1961.
    """
    found = values.to_numpy(float, na_value=np.nan)
    by_seed = sorted((int(s), v) for s, v in zip(values.index, found, strict=True) if v == v)
    if not by_seed:
        return None
    seeds, found = zip(*by_seed, strict=True)
    mean = float(np.mean(found))
    confidence = 1 - (1 - CONFIDENCE) / comparisons
    if len(seeds) == 1:
        return Interval(mean, None, None, seeds, confidence)
    if len(set(found)) == 1:
        # Rounding in the mean must not pass for a spread.
        return Interval(*[float(found[0])] * 3, seeds, confidence)
    quantile = stdtrit(len(seeds) - 1, (1 + confidence) / 2)
    half = float(quantile * np.std(found, ddof=1) / np.sqrt(len(seeds)))
    return Interval(mean, mean - half, mean + half, seeds, confidence)


def exponential(one: Interval) -> Interval:
    """The interval of a geometric mean or a ratio, from that of a mean of logarithms."""
    low, high = (None if end is None else float(np.exp(end)) for end in (one.low, one.high))
    return replace(one, mean=float(np.exp(one.mean)), low=low, high=high)


def paired(
    curve: pd.DataFrame, first: Hashable, second: Hashable, comparisons: int = 1
) -> Interval | None:
    """The interval of column `first` − column `second`, paired over the seeds that have both.

    Seeds are common random numbers: a seed's batches are the same at every dimension.
    """
    return interval(curve[first] - curve[second], comparisons)


def clearly_smallest(runs: pd.DataFrame) -> Hashable | None:
    """The column of `runs` [seeds, names] with the smallest mean, if the second is clearly above.

    It is where the interval of the second smallest − the smallest, paired over the seeds that have
    both, lies above 0; None otherwise. The first of equal means counts as the smallest.
    """
    order = runs.mean().dropna().sort_values(kind="stable").index
    if len(order) < 2:
        return None
    one = paired(runs, order[1], order[0])
    return order[0] if one is not None and one.above(0) else None
