"""The distance grows less from n to the largest dimension than that of each rival."""

from collections.abc import Mapping

import numpy as np

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import NotRun, Outcome

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {"against": {"$ref": "#/$defs/systems"}}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether [d(largest m) / d(n)] of the system is below the threshold times each rival's.

    Raises:
        NotRun: there is no rival, no n, or the systems do not share n and a larger dimension.
    """
    rivals = evidence.rivals(claim["against"])
    centre = evidence.inner_centre()
    (last,), *_ = evidence.dims("largest", rivals)
    n = centre.n
    evidence.dims([n], rivals)
    if last <= n:
        raise NotRun(f"the systems share no dimension above n = {n}.", centre)
    own, *others = (
        evidence.cells("fid", (n, last).__contains__, it) for it in (evidence.system, *rivals)
    )

    def growth(cells):
        logs = np.log(cells.values.where(cells.values > 0))
        return logs[last] - logs[n]

    comparisons = [
        Comparison(
            f"d({last}) / d({n}) of {own.system} ÷ that of {it.system}",
            f"m = {last}" + ("" if len(others) == 1 else f" against {it.system}"),
            growth(own) - growth(it),
            (last, n),
        )
        for it in others
    ]
    whose = rivals[0] if len(rivals) == 1 else "each other system"
    what = f"Growth of the distance from m = {n} to {last}, {own.system} ÷ {whose}"
    limit = float(np.log(claim["threshold"]))
    verdict, finding, estimates = every(what, comparisons, high=limit, logs=True)
    return Outcome(verdict, finding, estimates, centre.and_cells(own, *others), centre)
