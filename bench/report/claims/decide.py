"""From intervals to verdicts and their words; no interval is neither above nor below anything."""

from bench.report.claims.outcomes import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Estimate
from bench.report.statistics import Interval
from bench.report.text import bracket, number

__all__ = ["above", "below", "decide", "estimate", "signed", "within"]


def decide(holds: bool, fails: bool) -> str:
    """The verdict where the evidence for a claim holds, where that against it does, or neither."""
    return NOT_REPRODUCED if fails else REPRODUCED if holds else INCONCLUSIVE


def above(one: Interval | None, threshold: float) -> bool:
    """Whether there is an interval and all of it lies above the threshold."""
    return one is not None and one.above(threshold)


def below(one: Interval | None, threshold: float) -> bool:
    """Whether there is an interval and all of it lies below the threshold."""
    return one is not None and one.below(threshold)


def within(one: Interval | None, low: float, high: float) -> bool:
    """Whether there is an interval and all of it lies in [low, high]."""
    return one is not None and one.low is not None and low <= one.low and one.high <= high


def signed(one: Interval) -> str:
    """A difference and its interval: `+0.12 [0.10, 0.14]`."""
    return f"{'+' if one.mean >= 0 else '−'}{number(abs(one.mean))} {bracket(one)}"


def estimate(name: str, one: Interval, *dims: int) -> Estimate:
    """An interval as a verdict keeps it."""
    return Estimate(name, one.mean, one.low, one.high, one.confidence, dims, one.seeds)
