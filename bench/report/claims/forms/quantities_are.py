"""Quantities of an experiment are equal to stated values, above others, or infinite."""

from collections.abc import Mapping

import numpy as np

from bench.report.claims.decide import decide
from bench.report.claims.every import Comparison, every
from bench.report.claims.outcomes import NOT_REPRODUCED, REPRODUCED, NotRun, Outcome
from bench.report.claims.quantities import called
from bench.report.claims.replicates import Replicates, place

__all__ = ["PARAMETERS", "judge"]

PARAMETERS = {
    "about": {"$ref": "#/$defs/experiment"},
    "equal": {"$ref": "#/$defs/values", "default": {}},
    "above": {"$ref": "#/$defs/values", "default": {}},
    "infinite": {"$ref": "#/$defs/names", "default": []},
}


def judge(claim: Mapping, evidence: Replicates) -> Outcome:
    """Whether, at every setting, each quantity of `equal` is its value ± threshold, each of `above`
    is larger than its value plus the threshold, and each of `infinite` is infinite.

    A value is a number, or another quantity, which has no setting. All must hold; for the
    correction of what speaks against it all that are finite are one family.

    Raises:
        NotRun: the experiment does not tell one of the quantities, or tells that one is infinite
            that should not be.
    """
    asked = claim["equal"] | claim["above"]
    others = [value for value in asked.values() if isinstance(value, str)]
    cells = {name: evidence.values(name) for name in [*asked, *others, *claim["infinite"]]}
    family = sum(cells[name].values.shape[1] for name in asked)
    words, told, estimates = [], [], []
    for name, value in asked.items():
        values, what = cells[name].values, called(name)
        if isinstance(value, str):
            values = values.sub(cells[value].values[None], axis=0)
            what, value = f"{what} minus {called(value)}", 0.0
        if np.isinf(values).any(axis=None):
            raise NotRun(f"{what}: infinite, which has no interval.")
        comparisons = [
            Comparison(", ".join(filter(None, [what, place(it)])), place(it), values[it], ())
            for it in values
        ]
        limit = claim["threshold"]
        equal = name in claim["equal"]
        low, high = (value - limit, value + limit) if equal else (value + limit, np.inf)
        what = what[0].upper() + what[1:]
        verdict, finding, found = every(what, comparisons, low, high, family=family)
        words.append(verdict)
        told.append(finding)
        estimates += found
    for name in claim["infinite"]:
        infinite = np.isinf(cells[name].values).all(axis=None)
        words.append(REPRODUCED if infinite else NOT_REPRODUCED)
        what = called(name)
        always = "infinite in every replicate" if infinite else "finite in some replicate"
        told.append(f"{what[0].upper()}{what[1:]}: {always}.")
    verdict = decide(set(words) == {REPRODUCED}, NOT_REPRODUCED in words)
    return Outcome(verdict, " ".join(told), estimates, list(cells.values()))
