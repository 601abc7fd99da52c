"""Means and intervals over seeds, against textbook numbers and scipy's own tests."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.report.statistics import interval, paired
from bench.report.text import bracket, number, plus_minus


def test_interval_by_hand():
    # Mean 2, standard deviation 1, and the 97.5 % quantile of t with 2 degrees of freedom: 4.30265.
    one = interval(pd.Series([1.0, 2.0, 3.0]))
    assert one.mean == 2
    assert one.half_width == pytest.approx(4.30265 / np.sqrt(3), rel=1e-5)
    assert one.seeds == (0, 1, 2)


@pytest.mark.parametrize("comparisons", [1, 8])
def test_interval_and_scipy_agree(comparisons):
    values = np.random.default_rng(0).normal(3, 2, 5)
    expected = stats.ttest_1samp(values, 0).confidence_interval(1 - 0.05 / comparisons)
    one = interval(pd.Series(values), comparisons)
    assert (one.low, one.high) == pytest.approx((expected.low, expected.high))


def test_paired_and_scipy_agree_and_use_shared_seeds_only():
    curve = pd.DataFrame(np.random.default_rng(1).normal(size=(6, 2)), columns=[4, 8])
    curve.loc[2, 4] = np.nan
    both = curve.dropna()
    expected = stats.ttest_rel(both[4], both[8]).confidence_interval(0.95)
    one = paired(curve, 4, 8)
    assert (one.low, one.high) == pytest.approx((expected.low, expected.high))
    assert one.seeds == (0, 1, 3, 4, 5)


def test_one_seed_has_no_interval():
    one = interval(pd.Series([0.7]))
    assert (one.mean, one.low, one.high, one.half_width) == (0.7, None, None, None)
    assert not one.above(0)
    assert not one.below(1)
    assert "no interval" in bracket(one)
    assert plus_minus(one) == "0.700"


def test_no_seed_has_no_mean():
    assert interval(pd.Series([np.nan, np.nan])) is None


def test_equal_values_have_width_zero_despite_rounding():
    assert interval(pd.Series([0.1] * 3)).half_width == 0


def test_bonferroni_is_wider():
    values = pd.Series([1.0, 2.0, 4.0])
    assert interval(values, 5).half_width > interval(values).half_width


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.6912, "0.691"), (12.34, "12.3"), (1170.4, "1170"), (-0.0421, "-0.0421")],
)
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [([8, 8, 8], "8 ± 0"), ([1.0, 2.0, 3.0], "2.00 ± 2.48"), ([5.0, 5.0001], "5.00 ± 6e-04")],
)
def test_plus_minus(values, text):
    assert plus_minus(interval(pd.Series(values))) == text
