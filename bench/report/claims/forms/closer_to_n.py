"""A count of dimensions is closer to the data's known n than each competitor at the same m > n."""

from collections.abc import Mapping

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import INCONCLUSIVE, REPRODUCED, NotRun, Outcome
from bench.report.claims.quantities import called
from bench.report.claims.systems import rivals
from bench.report.text import listing

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {
    "column": {"$ref": "#/$defs/column"},
    "competitors": {
        "type": "array",
        "minItems": 1,
        "description": "systems, each with the columns that compete",
        "items": {
            "type": "object",
            "description": "systems, with the columns that compete",
            "additionalProperties": False,
            "required": ["systems", "columns"],
            "properties": {
                "systems": {"$ref": "#/$defs/systems"},
                "columns": {
                    "type": "array",
                    "minItems": 1,
                    "description": "columns",
                    "items": {"$ref": "#/$defs/column"},
                },
            },
        },
    },
}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether |count − n| − |competitor − n|, paired by seed, is below the threshold at all m > n.

    At m = n a competitor that keeps all dimensions is right by construction: only m > n count.
    Where nothing tells one of the columns, it cannot be reproduced.

    Raises:
        NotRun: the true dimension is unknown, there is no m > n, or no competitor.
    """
    if evidence.grid.true_dim is None:
        raise NotRun("the data's true dimension is unknown.")
    labels = [
        (label, column)
        for it in claim["competitors"]
        for label in rivals(evidence.grid, evidence.system, it["systems"])
        for column in it["columns"]
        if evidence.grid.curve(label, column).notna().any(axis=None)
    ]
    if not labels:
        raise NotRun("there is no competitor that estimates a dimension.")
    shared, centre, _ = evidence.shared("beyond-n", [label for label, _ in labels])
    own = evidence.cells(claim["column"], set().union(*shared.values()).__contains__)
    others = [evidence.cells(column, shared[label].__contains__, label) for label, column in labels]
    n = centre.n
    comparisons = [
        Comparison(
            f"|{claim['column']}({own.system}) − n| − |{column}({label}) − n|, m = {m}",
            f"m = {m} against the {called(column)} of {label}",
            (own.values[m] - n).abs() - (it.values[m] - n).abs(),
            (m,),
        )
        for (label, column), it in zip(labels, others, strict=True)
        for m in shared[label]
    ]
    what = f"Distance from n = {n} of the {called(claim['column'])} of {own.system} minus that of "
    what += "each competitor"
    verdict, finding, estimates = every(what, comparisons, high=claim["threshold"])
    absent = {column for it in claim["competitors"] for column in it["columns"]}
    absent -= {column for _, column in labels}
    if absent:
        finding += " Not in these records, so that “closer than each” cannot be shown: "
        finding += f"{listing(called(column) for column in sorted(absent))}."
        verdict = INCONCLUSIVE if verdict == REPRODUCED else verdict
    return Outcome(verdict, finding, estimates, centre.and_cells(own, *others), centre)
