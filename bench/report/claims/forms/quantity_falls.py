"""A quantity of an experiment falls from each setting to the next."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from bench.report.claims.every import Comparison, every
from bench.report.claims.outcomes import NotRun, Outcome
from bench.report.claims.quantities import called
from bench.report.claims.replicates import Replicates

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {
    "about": {"$ref": "#/$defs/experiment"},
    "quantity": {"type": "string", "minLength": 1, "description": "a quantity of the experiment"},
}


def judge(claim: Mapping, evidence: Replicates) -> Outcome:
    """Whether the ratio of the quantity at each setting to that at the one before is below the
    threshold: a geometric mean over seeds.

    Raises:
        NotRun: the experiment does not tell the quantity at two settings, or it is not positive.
    """
    cells = evidence.values(claim["quantity"])
    what, values = called(claim["quantity"]), cells.values
    if values.shape[1] < 2 or not ((values > 0) & np.isfinite(values)).all(axis=None):
        raise NotRun(f"{what}: positive numbers at two settings are needed.")
    comparisons = [
        Comparison(f"{what}, ratio", f"N = {b} to {a}", np.log(values[b] / values[a]), ())
        for a, b in pairwise(values)
    ]
    title = f"Ratio of the {what} at one N to that at the N before"
    limit = float(np.log(claim["threshold"]))
    return Outcome(*every(title, comparisons, high=limit, logs=True), [cells])
