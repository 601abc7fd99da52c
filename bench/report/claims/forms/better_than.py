"""A number of a system is better than that of each of its rivals at the same dimension."""

from collections.abc import Mapping

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import INCONCLUSIVE, REPRODUCED, Outcome
from bench.report.claims.quantities import called
from bench.report.claims.systems import described, matching
from bench.report.text import listing

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {
    "column": {"$ref": "#/$defs/column"},
    "better": {"$ref": "#/$defs/better"},
    "dims": {"$ref": "#/$defs/dims"},
    "against": {"$ref": "#/$defs/systems"},
    "rows": {
        "type": "array",
        "items": {"$ref": "#/$defs/systems"},
        "description": "systems without which better than all is not shown",
        "default": [],
    },
}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether the column's paired difference from each rival, at each dimension, is better than
    the threshold. Where one of `rows` has no system here, it cannot be reproduced.

    Raises:
        NotRun: there is no rival, or one that shares no dimension.
    """
    rivals = evidence.rivals(claim["against"])
    shared, centre, note = evidence.shared(claim["dims"], rivals)
    own = evidence.cells(claim["column"], set().union(*shared.values()).__contains__)
    others = [evidence.cells(claim["column"], shared[it].__contains__, it) for it in rivals]
    alone, name = len(rivals) == 1, called(claim["column"])
    comparisons = [
        Comparison(
            f"{claim['column']}({own.system}) − {claim['column']}({it.system}), m = {m}",
            f"m = {m}" + ("" if alone else f" against {it.system}"),
            own.values[m] - it.values[m],
            (m,),
        )
        for it in others
        for m in shared[it.system]
    ]
    sign = {"lower": "high", "higher": "low"}[claim["better"]]
    what = f"{name} of {own.system} minus that of {rivals[0] if alone else 'each other system'}"
    what = what[0].upper() + what[1:]
    verdict, finding, estimates = every(what, comparisons, **{sign: claim["threshold"]})
    absent = [row for row in claim["rows"] if not set(matching(evidence.grid, row)) & set(rivals)]
    if absent:
        finding += " Not here, so that “better than all” cannot be shown: "
        finding += f"{listing(described(row) for row in absent)}."
        verdict = INCONCLUSIVE if verdict == REPRODUCED else verdict
    known = centre.and_cells(own, *others) if centre else [own, *others]
    return Outcome(verdict, finding + note, estimates, known, centre)
