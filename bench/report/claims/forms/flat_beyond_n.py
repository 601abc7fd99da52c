"""The distance at every m ≥ n is at most the threshold times that at any other m."""

from collections.abc import Mapping

import numpy as np

from bench.report.claims.decide import above, decide, estimate, within
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import INCONCLUSIVE, NotRun, Outcome
from bench.report.statistics import exponential, paired
from bench.report.text import bracket, listing, number

__all__ = ["PARAMETERS", "judge"]

PARAMETERS: dict = {}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether d(m) / d(m') is at most the threshold for every m ≥ n and every other m'.

    Raises:
        NotRun: there are no two m ≥ n, or there is no n.
    """
    centre, cells = evidence.inner_centre(), evidence.cells("fid")
    curve, limit = cells.values, float(np.log(claim["threshold"]))
    dims = list(curve.columns)
    beyond = [m for m in dims if m >= centre.n]
    if len(beyond) < 2:
        reason = f"it needs two m ≥ {centre.n}; there are {listing(dims)}."
        raise NotRun(reason, centre)

    def outcome(verdict, finding, estimates=()):
        return Outcome(verdict, finding, estimates, centre.and_cells(cells), centre)

    low = [(m, seed) for m in dims for seed in curve.index[curve[m] <= 0]]
    if low:
        # Rounding can make a tiny distance negative.
        told = "; ".join(f"m = {m}, seed {s}: {number(curve.loc[s, m])}" for m, s in low)
        return outcome(INCONCLUSIVE, f"No ratio where a distance is not above 0 ({told}).")
    logs = np.log(curve)
    pairs = [(m, other) for m in beyond for other in dims if other != m]
    plain = {pair: paired(logs, *pair) for pair in pairs}
    strict = {pair: paired(logs, *pair, len(pairs)) for pair in pairs}
    if logs.isna().all(axis=None):
        return outcome(INCONCLUSIVE, "No cell has a distance.")
    best = int(logs.mean().idxmin())
    ratios = {m: exponential(one) for m in beyond if (one := paired(logs, m, best))}
    if not ratios:
        return outcome(INCONCLUSIVE, f"No m ≥ {centre.n} shares a seed with m = {best}.")
    worst = max(ratios, key=lambda m: ratios[m].mean)
    finding = (
        f"Smallest geometric mean of distances {number(np.exp(logs[best].mean()))} at m = {best}. "
        f"Over m ≥ {centre.n} the largest ratio to it is {number(ratios[worst].mean)} "
        f"{bracket(ratios[worst])} at m = {worst}; at most {claim['threshold']} is asked."
    )
    estimates = [estimate(f"d({worst}) / d({best})", ratios[worst], worst, best)]
    over = [pair for pair in pairs if above(strict[pair], limit)]
    reaching = [pair for pair in pairs if not within(plain[pair], -np.inf, limit)]
    if over:
        m, other = max(over, key=lambda pair: strict[pair].low)
        ratio = exponential(strict[m, other])
        finding += f" Corrected for {len(pairs)} comparisons, d({m}) / d({other}) is still in "
        finding += f"{bracket(ratio)}."
        estimates.append(estimate(f"d({m}) / d({other}), corrected", ratio, m, other))
    elif reaching:
        finding += f" Not clearly at most {claim['threshold']} times another: m = "
        finding += f"{listing(sorted({m for m, _ in reaching}))}."
    return outcome(decide(not reaching, bool(over)), finding, estimates)
