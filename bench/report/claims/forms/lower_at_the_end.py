"""A quantity of training is lower than a rival's at the last epoch that both have."""

from collections.abc import Mapping

import pandas as pd

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import NotRun, Outcome
from bench.report.claims.quantities import called

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {
    "quantity": {"type": "string", "minLength": 1, "description": "a quantity of the history"},
    "dims": {"$ref": "#/$defs/dims"},
    "against": {"$ref": "#/$defs/systems"},
    "fewest_epochs": {"type": "integer", "minimum": 1, "description": "an integer of at least 1"},
}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether the paired difference from each rival's is below the threshold, at each dimension.

    Raises:
        NotRun: there is no rival or no history, or both end before `fewest_epochs`.
    """
    rivals = evidence.rivals(claim["against"])
    shared, *_ = evidence.shared(claim["dims"], rivals)
    comparisons, ends = [], {}
    values = {label: {} for label in (evidence.system, *rivals)}
    for m in sorted(set().union(*shared.values())):
        here = [it for it in rivals if m in shared[it]]
        labels = (evidence.system, *here)
        told = {label: evidence.epochs(claim["quantity"], m, label) for label in labels}
        common = set.intersection(*(set(it.columns) for it in told.values()))
        ends[m] = max(common, default=0)
        if ends[m] < claim["fewest_epochs"]:
            least = claim["fewest_epochs"]
            raise NotRun(f"m = {m} was trained for {ends[m]} of at least {least} epochs.")
        for label in labels:
            values[label][m] = told[label][ends[m]]
        comparisons += [
            Comparison(
                f"{claim['quantity']}({evidence.system}) − {claim['quantity']}({it}), m = {m}, "
                f"epoch {ends[m]}",
                f"m = {m}, epoch {ends[m]}" + ("" if len(rivals) == 1 else f", against {it}"),
                values[evidence.system][m] - values[it][m],
                (m,),
            )
            for it in here
        ]
    name, whose = called(claim["quantity"]), rivals[0] if len(rivals) == 1 else "each other system"
    what = f"{name[0].upper() + name[1:]} of {evidence.system} minus that of {whose}"
    verdict, finding, estimates = every(what, comparisons, high=claim["threshold"])
    cells = [
        evidence.told(claim["quantity"], pd.DataFrame(own), label) for label, own in values.items()
    ]
    return Outcome(verdict, finding, estimates, cells)
