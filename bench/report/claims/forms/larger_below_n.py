"""A number at every m < n is at least so many times that at n."""

from collections.abc import Mapping

import numpy as np

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import NotRun, Outcome
from bench.report.claims.quantities import called

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {"column": {"$ref": "#/$defs/column"}}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether the ratio of a positive column at m to that at n is above the threshold at all m < n.

    Raises:
        NotRun: n or an m < n is not among the dimensions, or there is no n.
    """
    centre = evidence.inner_centre()
    n, cells = centre.n, evidence.cells(claim["column"], lambda m: 0 < m <= centre.n)
    dims = [m for m in cells.values if m < n]
    if not dims or n not in cells.values:
        raise NotRun(f"it needs m = n = {n} and a smaller m.", centre)
    # Errors are positive: one that is not has no ratio, and its comparison stays unclear.
    logs = np.log(cells.values.where(cells.values > 0))
    comparisons = [
        Comparison(f"r({m}) / r({n})", f"m = {m}", logs[m] - logs[n], (m, n)) for m in dims
    ]
    what = f"Ratio of the {called(claim['column'])} r(m) to that at m = {n}"
    limit = float(np.log(claim["threshold"]))
    verdict, finding, estimates = every(what, comparisons, low=limit, logs=True)
    return Outcome(verdict, finding, estimates, centre.and_cells(cells), centre)
