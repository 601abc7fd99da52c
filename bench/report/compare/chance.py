"""How probable a change is by the chance of seeds alone."""

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import stdtr

from bench import records
from bench.report.compare import matched

__all__ = ["LEVEL", "adjusted", "p_values"]

LEVEL = 0.01
"""The expected share of false alarms among alarms; with nothing changed, the probability of any."""

# The variance of rounding to an integer: counts that happen to agree have one too.
_ROUNDING = 1 / 12


def p_values(groups: pd.DataFrame) -> np.ndarray:
    """Two-sided p-values of no change, seeds as replicates [rows]; NaN where a side has one seed.

    The same seeds share batches, draws and initial weights, but how much of that outlives another
    processor's rounding is not known beforehand: nearly all for PCA, little for a critic. So two
    tests are made, Student's of two samples and of the differences of pairs, and the smaller p is
    taken, twice: Bonferroni's inequality holds however the two depend on each other.

    Arguments:
        groups: of `bench.report.compare.matched.groups`.

    Source: Student, The probable error of a mean, 1908.
    """
    integers = groups["metric"].map(records.COLUMNS) == "Int64"
    rounding = np.where(integers, _ROUNDING, 0.0)
    it = {name: groups[name].to_numpy(float) for name in groups if name not in matched.GROUP}
    sides = [
        (it[f"mean_{side}"], np.sqrt(it[f"variance_{side}"] + rounding), it[f"count_{side}"])
        for side in ("then", "now")
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        samples = stats.ttest_ind_from_stats(*sides[0], *sides[1]).pvalue
        error = np.sqrt((it["variance_pairs"] + 2 * rounding) / it["pairs"])
        pairs = 2 * stdtr(it["pairs"] - 1, -np.abs(it["mean_pairs"] / error))
    # fmin: where no two seeds are shared, the other test stands alone.
    smaller = np.minimum(1.0, 2 * np.fmin(samples, pairs))
    repeated = np.minimum(it["count_then"], it["count_now"]) > 1
    # Without any spread, no change at all is not zero over zero.
    told = np.where(it["mean_then"] == it["mean_now"], 1.0, smaller)
    return np.where(repeated, told, np.nan)


def adjusted(p: np.ndarray) -> np.ndarray:
    """p-values adjusted for their number: those of at most `LEVEL` are discoveries. NaN stays.

    Source: Benjamini and Hochberg, Controlling the false discovery rate, 1995 (SciPy's).
    """
    found = np.full(len(p), np.nan)
    known = ~np.isnan(p)
    if known.any():
        found[known] = stats.false_discovery_control(p[known], method="bh")
    return found
