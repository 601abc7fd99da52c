"""A number is above, below or within ± the threshold at each dimension."""

from collections.abc import Mapping

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import Outcome
from bench.report.claims.quantities import called
from bench.report.text import listing

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {
    "columns": {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"$ref": "#/$defs/column"},
        "description": "columns of numbers of the records",
    },
    "minus": {"$ref": "#/$defs/column", "default": None},
    "side": {"enum": ["above", "below", "within"], "description": "above, below or within"},
    "dims": {"$ref": "#/$defs/dims"},
}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether the mean of each column, less that of `minus` where one is named, is on its side of
    the threshold (or within ± threshold) at each dimension.

    Raises:
        NotRun: there is no such dimension, or no such number.
    """
    dims, centre, note = evidence.dims(claim["dims"])
    columns, less = claim["columns"], claim["minus"]
    cells = {it: evidence.cells(it, dims.__contains__) for it in filter(None, [*columns, less])}
    comparisons = [
        Comparison(
            f"{column}{f' − {less}' if less else ''}, m = {m}",
            f"m = {m}" if len(columns) == 1 else f"m = {m} ({called(column)})",
            cells[column].values[m] - (cells[less].values[m] if less else 0),
            (m,),
        )
        for column in columns
        for m in dims
    ]
    what = listing(map(called, columns)) + (f" minus {called(less)}" if less else "")
    limit = claim["threshold"]
    ends = {"above": (limit, float("inf")), "below": (-float("inf"), limit)}
    low, high = ends.get(claim["side"], (-limit, limit))
    verdict, finding, estimates = every(what[0].upper() + what[1:], comparisons, low, high)
    known = centre.and_cells(*cells.values()) if centre else list(cells.values())
    return Outcome(verdict, finding + note, estimates, known, centre)
