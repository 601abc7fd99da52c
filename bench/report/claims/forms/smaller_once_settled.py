"""A quantity of training is smaller once a count no longer changes than before."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import Outcome
from bench.report.text import number

__all__ = ["PARAMETERS", "judge"]

_TEXT = {"type": "string", "minLength": 1, "description": "a quantity of the history"}
PARAMETERS = {
    "quantity": _TEXT,
    "counted": _TEXT | {"description": "a quantity of the history, by coordinate of the code"},
    "at_least": {"type": "number", "description": "a number"},
    "rest": {"type": "number", "description": "a number, the share of training that is rest"},
    "dims": {"$ref": "#/$defs/dims"},
}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether the mean of |quantity| over the settled part of training is below the threshold times
    that over the part before, at each dimension.

    Settled is the part from which the count of `counted` values of `at_least` no longer changes.
    No more than the share `rest` of training is no rest, and where the count never changes there is
    nothing before: such a seed has no ratio.

    Raises:
        NotRun: there is no history, or no such dimension.
    """
    dims, centre, note = evidence.dims(claim["dims"])
    logs, starts, last = {}, [], 0
    for m in dims:
        values = evidence.epochs(claim["quantity"], m).abs()
        each = [evidence.epochs(f"{claim['counted']}.{i:03d}", m) for i in range(1, m + 1)]
        counts = sum((it >= claim["at_least"]).where(it.notna()).astype(float) for it in each)
        logs[m] = pd.Series(np.nan, values.index)
        last = max(last, *values.columns)
        for seed in values.index:
            start = _settled(counts.loc[seed], claim["rest"])
            if start is not None:
                row = values.loc[seed]
                settled, before = row[row.index >= start], row[row.index < start]
                logs[m][seed] = np.log(settled.mean(skipna=False) / before.mean(skipna=False))
                starts.append(start)
    name = f"|{claim['quantity']}|"
    comparisons = [Comparison(f"{name}, m = {m}", f"m = {m}", logs[m], (m,)) for m in dims]
    what = f"Mean {name} once settled ÷ before"
    limit = float(np.log(claim["threshold"]))
    verdict, finding, estimates = every(what, comparisons, high=limit, logs=True)
    if starts:
        first, latest = number(min(starts)), number(max(starts))
        finding += f" The count has settled by epoch {first} to {latest} of {number(last)}."
    cells = evidence.told(f"settling of {claim['counted']}", pd.DataFrame(logs))
    known = centre.and_cells(cells) if centre else [cells]
    return Outcome(verdict, finding + note, estimates, known, centre)


def _settled(counts: pd.Series, rest: float) -> float | None:
    """The epoch from which counts (by epoch) no longer change; None where they never do, do until
    no more than the share `rest` of training is left, or are not all there."""
    if counts.isna().any():
        return None
    start = counts.index[counts.ne(counts.shift())][-1]
    rests = (counts.index >= start).mean()
    return start if start > counts.index[0] and rests > rest else None
