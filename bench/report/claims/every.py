"""Several comparisons of which all must hold: verdict, sentence and estimates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.report.claims.decide import decide, estimate, signed
from bench.report.claims.outcomes import INCONCLUSIVE, Estimate
from bench.report.statistics import Interval, exponential, interval
from bench.report.text import bracket, listing, number

__all__ = ["Comparison", "every"]

_SHOWN = 3  # as many comparisons are told in a sentence
_NAMED = 8  # and the places of as many


@dataclass(frozen=True, eq=False)
class Comparison:
    """A statistic by seed.

    Attributes:
        name: of the statistic, for a table.
        at: where it was taken, for a sentence: `m = 8`; empty where there is one place.
        values: by seed, NaN where it was not obtained.
        dims: the latent dimensions of its records.
    """

    name: str
    at: str
    values: pd.Series
    dims: tuple[int, ...]


def every(
    what: str,
    comparisons: Sequence[Comparison],
    low: float = -np.inf,
    high: float = np.inf,
    logs: bool = False,
    family: int | None = None,
) -> tuple[str, str, list[Estimate]]:
    """Whether the mean of every comparison lies between `low` and `high`.

    It holds where each 95 % interval over seeds lies inside (an intersection-union test: it keeps
    its level without a correction), and fails where any lies outside with Bonferroni's correction
    for all of them. A one-sided range leaves out its end: equal is not better.

    Sources: Berger, Multiparameter hypothesis testing and acceptance sampling, 1982; Dunn, Multiple
    comparisons among means, 1961.

    Arguments:
        what: the statistic, with which the sentence begins.
        logs: the values are logarithms of ratios, and so are `low` and `high`; ratios are shown.
        family: how many comparisons to correct for, where they are part of more.
    """
    family = len(comparisons) if family is None else family
    plain = {it: one for it in comparisons if (one := interval(it.values))}
    if not plain:
        return INCONCLUSIVE, f"{what}: no cell has it.", []
    strict = {it: interval(it.values, family) for it in plain}
    inside = [it for it, one in plain.items() if _inside(one, low, high)]
    outside = [it for it, one in strict.items() if one.above(high) or one.below(low)]
    unclear = [it for it in comparisons if it not in inside and it not in outside]

    def shown(one: Interval) -> str:
        return (
            f"{number(exponential(one).mean)} {bracket(exponential(one))}" if logs else signed(one)
        )

    ordered = sorted(plain, key=lambda it: plain[it].mean)
    told = ordered if len(ordered) <= _SHOWN else [ordered[0], ordered[-1]]
    parts = [f"{shown(plain[it])}{f' at {it.at}' if it.at else ''}" for it in told]
    if len(ordered) > _SHOWN:
        parts = [f"from {parts[0]} to {parts[1]}"]
    region, count = _region(low, high, logs), len(comparisons)
    finding = f"{what}: {'; '.join(parts)}."
    if count > 1:
        finding += f" Clearly {region} in {len(inside)} of {count} comparisons."
    elif not outside:
        finding += f" {'Clearly' if inside else 'Not clearly'} {region}."
    # The one of the fewest seeds is told of too: there may be too few.
    poorest = min(plain, key=lambda it: len(plain[it].seeds))
    poorer = all(len(plain[poorest].seeds) < len(plain[it].seeds) for it in told)
    told += [poorest] if poorer else []
    estimates = [_estimated(it.name, plain[it], it, logs) for it in told]
    if unclear and count > 1:
        finding += f" Not clear: {_places(unclear)}."
    if outside:
        corrected = f", even corrected for {family} comparisons" if family > 1 else ""
        places = f": {_places(outside)}" if count > 1 else ""
        finding += f" Clearly not {region}{corrected}{places}."
        if family > 1:
            worst = max(outside, key=lambda it: max(strict[it].low - high, low - strict[it].high))
            estimates.append(_estimated(f"{worst.name}, corrected", strict[worst], worst, logs))
    return decide(len(inside) == count, bool(outside)), finding, estimates


def _inside(one: Interval, low: float, high: float) -> bool:
    if one.low is None:
        return False
    if np.isinf(low) or np.isinf(high):
        return low < one.low and one.high < high
    return low <= one.low and one.high <= high


def _region(low: float, high: float, logs: bool) -> str:
    ends = [number(float(np.exp(end)) if logs else end) for end in (low, high)]
    if np.isinf(high):
        return f"above {ends[0]}"
    return f"below {ends[1]}" if np.isinf(low) else f"within {ends[0]} to {ends[1]}"


def _places(comparisons: Sequence[Comparison]) -> str:
    places = [it.at for it in comparisons]
    if all(place.startswith("m = ") and place[4:].isdigit() for place in places):
        return f"m = {listing(place[4:] for place in places)}"
    more = [f"and {len(places) - _NAMED} more"] if len(places) > _NAMED else []
    return "; ".join([*places[:_NAMED], *more])


def _estimated(name: str, one: Interval, it: Comparison, logs: bool) -> Estimate:
    return estimate(name, exponential(one) if logs else one, *it.dims)
