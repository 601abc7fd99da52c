"""A number is the same, within the threshold, at any two m ≥ n."""

from collections.abc import Mapping
from itertools import combinations

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import NotRun, Outcome
from bench.report.claims.quantities import called
from bench.report.text import listing

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {"column": {"$ref": "#/$defs/column"}}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether the column's paired difference is within ± threshold for every pair of m ≥ n.

    Raises:
        NotRun: there are not two m ≥ n.
    """
    dims, centre, note = evidence.dims("from-n")
    if len(dims) < 2:
        raise NotRun(f"it needs two capacities; there is m = {listing(dims)}.", centre)
    column, cells = claim["column"], evidence.cells(claim["column"], dims.__contains__)
    comparisons = [
        Comparison(
            f"{column}({b}) − {column}({a})",
            f"m = {b} against {a}",
            cells.values[b] - cells.values[a],
            (b, a),
        )
        for a, b in combinations(dims, 2)
    ]
    what = f"Difference in the {called(column)} between two capacities"
    limit = claim["threshold"]
    verdict, finding, estimates = every(what, comparisons, -limit, limit)
    known = centre.and_cells(cells) if centre else [cells]
    return Outcome(verdict, finding + note, estimates, known, centre)
