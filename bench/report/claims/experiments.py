"""Claims on experiments, which no system has a part in: one verdict each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from bench.report.claims import forms
from bench.report.claims.outcomes import INCONCLUSIVE, NOT_RUN, NotRun, Used, Verdict
from bench.report.claims.replicates import Replicates

__all__ = ["judged"]


def judged(claims: Sequence[Mapping], table: pd.DataFrame | None) -> list[Verdict]:
    """A verdict on every claim about an experiment that the table has, in the claims' order.

    Arguments:
        claims: of the ledger, those about systems too, which are passed over.
        table: with the columns of `bench.experiments.base`, or None.
    """
    found = set() if table is None else set(table["experiment"])
    return [
        _verdict(claim, Replicates(name, table[table["experiment"] == name]))
        for claim in claims
        if (name := claim["about"].get("experiment")) in found
    ]


def _verdict(claim: Mapping, evidence: Replicates) -> Verdict:
    fewest = claim["fewest_seeds"]
    plain = Verdict(
        claim["id"],
        evidence.experiment,
        None,
        NOT_RUN,
        "",
        threshold=claim["threshold"],
        fewest_seeds=fewest,
    )
    try:
        outcome = forms.load(claim["form"]).judge(claim, evidence)
    except NotRun as reason:
        return replace(plain, finding=f"Not run: {reason}")
    verdict, finding = outcome.verdict, outcome.finding
    count = min(int(cells.values.notna().sum().min()) for cells in outcome.cells)
    if count < fewest:
        verdict, finding = INCONCLUSIVE, f"{finding} Too few seeds: {count} of at least {fewest}."
    used = tuple(
        Used(cells.system, setting, tuple(int(seed) for seed in values.dropna().index))
        for cells in outcome.cells
        for setting, values in cells.values.items()
    )
    return replace(
        plain,
        verdict=verdict,
        finding=finding,
        estimates=tuple(outcome.estimates),
        seeds=tuple(sorted({seed for one in used for seed in one.seeds})),
        records=used,
    )
