"""A number grows with the dimension from n on."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import NotRun, Outcome
from bench.report.claims.quantities import called

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {"column": {"$ref": "#/$defs/column"}}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether a column's least-squares slope over the m ≥ n is above the threshold.

    Raises:
        NotRun: there are fewer than three m ≥ n, or no n.
    """
    centre = evidence.inner_centre()
    cells = evidence.cells(claim["column"], lambda m: m >= centre.n)
    dims = np.array(cells.values.columns, float)
    if len(dims) < 3:
        raise NotRun(f"a trend needs three m ≥ {centre.n}; there are {len(dims)}.", centre)
    weights = (dims - dims.mean()) / np.square(dims - dims.mean()).sum()
    # A seed that lacks a dimension has no slope: skipping it would change what is estimated.
    slopes = pd.Series(cells.values.to_numpy() @ weights, cells.values.index)
    name = called(claim["column"])
    comparison = Comparison(
        f"slope of {claim['column']} per dimension",
        f"m = {int(dims[0])} to {int(dims[-1])}",
        slopes,
        tuple(cells.values.columns),
    )
    what = f"Slope of the {name} per latent dimension"
    verdict, finding, estimates = every(what, [comparison], low=claim["threshold"])
    return Outcome(verdict, finding, estimates, centre.and_cells(cells), centre)
