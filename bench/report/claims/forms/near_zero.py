"""A number is zero within the threshold at every dimension."""

from collections.abc import Mapping

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import Outcome
from bench.report.claims.quantities import called

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {"column": {"$ref": "#/$defs/column"}, "dims": {"$ref": "#/$defs/dims"}}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether a column's mean is within ± threshold at each dimension.

    Raises:
        NotRun: there is no such dimension.
    """
    dims, centre, note = evidence.dims(claim["dims"])
    column, cells = claim["column"], evidence.cells(claim["column"], dims.__contains__)
    comparisons = [
        Comparison(f"{column}, m = {m}", f"m = {m}", cells.values[m], (m,)) for m in dims
    ]
    limit, name = claim["threshold"], called(column)
    what = name[0].upper() + name[1:]
    verdict, finding, estimates = every(what, comparisons, -limit, limit)
    known = centre.and_cells(cells) if centre else [cells]
    return Outcome(verdict, finding + note, estimates, known, centre)
