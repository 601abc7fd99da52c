"""The ratio of two quantities of training falls from one stated value to another."""

from collections.abc import Mapping

import pandas as pd

from bench.report.claims.every import Comparison, every
from bench.report.claims.evidence import Evidence
from bench.report.claims.outcomes import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, NotRun, Outcome

__all__ = ["PARAMETERS", "judge"]

_TEXT = {"type": "string", "minLength": 1, "description": "a quantity of the history"}
_NUMBER = {"type": "number", "description": "a number"}
PARAMETERS = {
    "above": _TEXT,
    "below": _TEXT,
    "start": _NUMBER,
    "end": _NUMBER,
    "dims": {"$ref": "#/$defs/dims"},
    "fewest_epochs": {"type": "integer", "minimum": 2, "description": "an integer of at least 2"},
    "end_epochs": {"type": "integer", "minimum": 2, "description": "an integer of at least 2"},
}


def judge(claim: Mapping, evidence: Evidence) -> Outcome:
    """Whether `above` / `below` is within ± threshold of `start` in the first epoch and of `end` in
    the last, and smaller in the last. All three, at each dimension, must hold; for the correction
    of what speaks against it they count as one family. Where training is shorter than `end_epochs`,
    its last epoch is not the end, and decides nothing.

    Raises:
        NotRun: there is no history, or one of fewer than `fewest_epochs` epochs.
    """
    dims, *_ = evidence.dims(claim["dims"])
    starts, ends, epochs = {}, {}, {}
    for m in dims:
        ratio = evidence.epochs(claim["above"], m) / evidence.epochs(claim["below"], m)
        first, last = min(ratio.columns), max(ratio.columns)
        if first != 1 or last < claim["fewest_epochs"]:
            least = claim["fewest_epochs"]
            raise NotRun(f"the history of m = {m} has epochs {first} to {last} of 1 to {least}.")
        starts[m], ends[m], epochs[m] = ratio[first], ratio[last], last
    name, limit, family = f"{claim['above']} / {claim['below']}", claim["threshold"], 3 * len(dims)

    def part(what, of, where, low, high):
        comparisons = [Comparison(f"{what.lower()}, m = {m}", where(m), of(m), (m,)) for m in dims]
        return every(what, comparisons, low, high, family=family)

    parts = [
        part(
            f"{name} in the first epoch",
            starts.get,
            lambda m: f"m = {m}",
            claim["start"] - limit,
            claim["start"] + limit,
        ),
        part(
            f"{name} in the last epoch",
            ends.get,
            lambda m: f"m = {m}, epoch {epochs[m]}",
            claim["end"] - limit,
            claim["end"] + limit,
        ),
        part(
            f"{name}, last epoch minus first",
            lambda m: ends[m] - starts[m],
            lambda m: f"m = {m}",
            -float("inf"),
            0.0,
        ),
    ]
    words, told = [verdict for verdict, _, _ in parts], [finding for _, finding, _ in parts]
    if min(epochs.values()) < claim["end_epochs"]:
        words[1] = INCONCLUSIVE
        told.append(f"The last epoch is not the end, which is taken to be {claim['end_epochs']}.")
    verdict = INCONCLUSIVE
    if NOT_REPRODUCED in words:
        verdict = NOT_REPRODUCED
    elif words == [REPRODUCED] * 3:
        verdict = REPRODUCED
    both = pd.DataFrame(starts) + pd.DataFrame(ends)
    return Outcome(
        verdict,
        " ".join(told),
        [it for _, _, estimates in parts for it in estimates],
        [evidence.told(name, both)],
    )
