"""The distance is U-shaped with its minimum at n; where n is unknown, with an inner minimum."""

from collections.abc import Mapping

from bench.report.claims.decide import above, below, decide, estimate, signed
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import INCONCLUSIVE, NotRun, Outcome
from bench.report.statistics import paired
from bench.report.text import listing, number

__all__ = ["PARAMETERS", "judge"]

PARAMETERS: dict = {}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether d(m) has its minimum at n and rises to both sides of it by more than the threshold.

    Raises:
        NotRun: fewer than three dimensions, or n is not an inner one.
    """
    known = evidence.grid.true_dim is not None
    centre, cells = evidence.centre() if known else None, evidence.cells("fid")
    curve = cells.values
    dims, means = list(curve.columns), curve.mean()
    # Without n the place of the minimum has nothing to be held against.
    note = " n is unknown: only that there is a U is tested, not where its minimum is."
    note = "" if known else note
    if len(dims) < 3:
        raise NotRun(f"a U needs three dimensions; there are {listing(dims)}.", centre)
    if known and centre.n not in dims[1:-1]:
        place = "an end of" if centre.n in dims else "not among"
        raise NotRun(f"n = {centre.n} is {place} the dimensions {listing(dims)}.", centre)
    if means.isna().all():
        return Outcome(INCONCLUSIVE, f"No cell has a distance.{note}", [], [cells], centre)
    best, ends = int(means.idxmin()), (dims[0], dims[-1])
    origin = centre.n if known else best
    others = [m for m in dims if m != origin]
    inner = [m for m in others if m not in ends]
    # Corrections are for what was picked by looking: see the ledger.
    rise = {m: paired(curve, m, origin, 1 if known else len(dims) - 2) for m in others}
    strict = {m: paired(curve, m, origin, len(others) if known else 2) for m in others}
    if known:
        holds = best == origin and all(above(rise[m], claim["threshold"]) for m in others)
        lower = [m for m in others if below(strict[m], claim["threshold"])]
        fails = bool(lower)
    else:
        holds = best not in ends and all(above(rise[m], claim["threshold"]) for m in ends)
        lower = []
        fails = best in ends and all(above(strict[m], claim["threshold"]) for m in inner)
    shown = {m: one for m in others if (one := rise[m])}
    runner = [min(shown, key=lambda m: shown[m].mean)] if shown else []
    named = [m for m in dict.fromkeys([*runner, *ends]) if m in shown]
    at = f"m = {best}" + (", an end" if best in ends else "")
    at += " = n" if known and best == origin else ""
    at += f", not at n = {origin}" if best != origin else ""
    finding = f"Smallest mean distance {number(means[best])} at {at}. Rise from m = {origin} "
    finding += "to the runner-up and the ends: "
    finding += "; ".join(f"{signed(shown[m])} at m = {m}" for m in named)
    finding += "." if known else f" (corrected for {len(dims) - 2} comparisons)."
    unclear = [
        m
        for m in (others if known else ends)
        if m in shown and not above(rise[m], claim["threshold"])
    ]
    estimates = [estimate(f"d({m}) − d({origin})", shown[m], m, origin) for m in named]
    if lower:
        finding += f" Lower than at n, even corrected for {len(others)} comparisons, at m = "
        finding += f"{listing(lower)}."
        estimates += [
            estimate(f"d({m}) − d({origin}), corrected", strict[m], m, origin) for m in lower
        ]
    elif unclear:
        finding += f" Not clearly above m = {origin}: m = {listing(unclear)}."
    return Outcome(decide(holds, fails), finding + note, estimates, [cells], centre)
