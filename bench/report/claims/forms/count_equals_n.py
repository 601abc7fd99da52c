"""A count of dimensions is n, within the threshold, at every m ≥ n."""

from collections.abc import Mapping

from bench.report.claims.decide import decide, estimate, within
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import INCONCLUSIVE, NotRun, Outcome
from bench.report.statistics import interval
from bench.report.text import bracket, listing, number

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {"column": {"$ref": "#/$defs/column"}}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether the mean of a column of counts is within n ± threshold for every m ≥ n.

    Raises:
        NotRun: there is no m ≥ n, or no n.
    """
    centre = evidence.inner_centre()
    n, cells = centre.n, evidence.cells(claim["column"], lambda m: m >= centre.n)
    low, high = n - claim["threshold"], n + claim["threshold"]
    curve, dims = cells.values, list(cells.values.columns)
    if not dims:
        raise NotRun(f"there is no m ≥ {n}.", centre)

    def outcome(verdict, finding, estimates=()):
        return Outcome(verdict, finding, estimates, centre.and_cells(cells), centre)

    plain = {m: one for m in dims if (one := interval(curve[m]))}
    strict = {m: one for m in dims if (one := interval(curve[m], len(dims)))}
    if not plain:
        return outcome(INCONCLUSIVE, f"No cell of m ≥ {n} has a count.")
    worst = max(plain, key=lambda m: abs(plain[m].mean - n))
    counts = curve.stack()
    finding = (
        f"{int(counts.between(low, high).sum())} of {len(counts)} models of m ≥ {n} keep {low} to "
        f"{high} dimensions. The mean is farthest from n = {n} at m = {worst}: "
        f"{number(plain[worst].mean)} {bracket(plain[worst])}."
    )
    estimates = [estimate(f"dimensions kept at m = {worst}", plain[worst], worst)]
    outside = [m for m, one in strict.items() if one.below(low) or one.above(high)]
    unclear = [m for m in dims if not within(plain.get(m), low, high)]
    if outside:
        finding += f" Outside even corrected for {len(dims)} comparisons: m = {listing(outside)}."
        estimates += [
            estimate(f"dimensions kept at m = {m}, corrected", strict[m], m) for m in outside
        ]
    elif unclear:
        finding += f" Not clearly within: m = {listing(unclear)}."
    return outcome(decide(not unclear, bool(outside)), finding, estimates)
