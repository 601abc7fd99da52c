"""From claims and records to verdicts: which systems, and what rules out “reproduced”."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.report.claims import explanations, forms
from bench.report.claims.evidence import Evidence
from bench.report.claims.experiments import judged
from bench.report.claims.ledger import read
from bench.report.claims.outcomes import (
    INCONCLUSIVE,
    NOT_RUN,
    REPRODUCED,
    Cells,
    Centre,
    NotRun,
    Used,
    Verdict,
)
from bench.report.claims.systems import matching, of_base
from bench.report.curves import Grid, grids

__all__ = ["judge"]


def judge(
    records: pd.DataFrame,
    history: pd.DataFrame | None = None,
    experiments: pd.DataFrame | None = None,
    folder: str | Path | None = None,
) -> list[Verdict]:
    """A verdict on every claim for every data set and each system, or the experiment, that the
    claim is about.

    A claim of whose systems a data set has none, or whose experiment was not taken, is passed over
    in silence.

    Arguments:
        history: what training told of itself, with the columns of `bench.history`.
        experiments: with the columns of `bench.experiments.base`.
        folder: of the ledger, where it is not the one of this package.

    Raises:
        Mistake: the records of one data set do not belong together (see `grids`), or a claim or
            an explanation is none.
    """
    claims = read(folder)
    # A grid of `grids` is of the main protocol: no other has a say in a verdict.
    on_systems = [it for it in claims if "experiment" not in it["about"]]
    found = [it for grid in grids(records) for one in on_systems for it in _of(one, grid, history)]
    studies = records["study"].dropna().unique()
    texts = explanations.read(studies, [claim["id"] for claim in claims])
    return explanations.explained(found + judged(claims, experiments), texts)


def _of(claim: Mapping, grid: Grid, history: pd.DataFrame | None) -> list[Verdict]:
    if grid.dataset not in claim.get("datasets", [grid.dataset]):
        return []
    systems = matching(grid, claim["about"])
    if systems:
        found = [_verdict(claim, grid, system, history) for system in systems]
        told = {(it.verdict, it.finding) for it in found}
        if len(found) > len(told) == 1 and found[0].verdict == NOT_RUN:
            # What is the same for all systems is said once.
            return [replace(found[0], system=None, variant="")]
        return found
    if not grid.systems(_bases(claim)):
        return []
    reason = f"no system {of_base(claim['about'])} in these records."
    return [_not_run(claim, grid, None, NotRun(reason))]


def _bases(claim: Mapping) -> list[str]:
    """The bases that a claim names; one about everything but some is not about the rest."""
    return [*claim["about"].get("bases", []), *claim.get("against", {}).get("bases", [])]


def _verdict(claim: Mapping, grid: Grid, system: str, history: pd.DataFrame | None) -> Verdict:
    try:
        if grid.untrained() or grid.untrained(system):
            what = grid.dataset if grid.untrained() else system
            raise NotRun(f"there is no record of a cell of {what}.")
        outcome = forms.load(claim["form"]).judge(claim, Evidence(grid, system, history))
    except NotRun as reason:
        return _not_run(claim, grid, system, reason)
    # Whatever is missing is said, and too little of it is no verdict.
    verdict, notes = outcome.verdict, []
    centre = outcome.centre.cells if outcome.centre else None
    if any(cells is centre for cells in outcome.cells):
        notes.append(f"{outcome.centre.source}.")
    lacking = [
        f"{cells.system}: {short}" if i else short
        for i, cells in enumerate(outcome.cells)
        if (short := _lacking(cells.values, claim["fewest_seeds"]))
    ]
    lacking += _unshared([it for it in outcome.cells if it is not centre], claim["fewest_seeds"])
    # A statistic of several cells has the seeds that all of them have.
    lacking = lacking or [
        f"{it.name} has {len(it.seeds)} of at least {claim['fewest_seeds']}"
        for it in outcome.estimates
        if len(it.seeds) < claim["fewest_seeds"]
    ]
    if lacking:
        notes.append(f"Too few seeds: {lacking[0]}.")
        verdict = INCONCLUSIVE
    failures = list(dict.fromkeys(it for cells in outcome.cells for it in cells.failures))
    missing = [it for it in failures if it.reason in ("missing", "timed-out")]
    failed = [it for it in failures if it not in missing]
    if failed:
        # Neither a training that diverged nor a job that failed is a random one to lose, and the
        # claims say "every m".
        notes.append(f"Failed cells, which rule out “reproduced”: {'; '.join(map(str, failed))}.")
        verdict = INCONCLUSIVE if verdict == REPRODUCED else verdict
    if missing:
        notes.append(f"Missing cells, left out: {'; '.join(map(str, missing))}.")
    told = dict.fromkeys(text for cells in outcome.cells for text in cells.cautions)
    notes += [f"Caution: {text}." for text in told]
    outcome = replace(outcome, verdict=verdict, finding=" ".join([outcome.finding, *notes]))
    used = tuple(dict.fromkeys(one for it in outcome.cells for one in _used(it)))
    return replace(
        _finish(claim, grid, system, outcome.verdict, outcome.finding, outcome.centre),
        estimates=tuple(outcome.estimates),
        seeds=tuple(sorted({seed for one in used for seed in one.seeds})),
        records=used,
        failures=tuple(map(str, failures)),
    )


def _not_run(claim: Mapping, grid: Grid, system: str | None, reason: NotRun) -> Verdict:
    return _finish(claim, grid, system, NOT_RUN, f"Not run: {reason}", reason.centre)


def _finish(
    claim: Mapping,
    grid: Grid,
    system: str | None,
    verdict: str,
    finding: str,
    centre: Centre | None,
) -> Verdict:
    return Verdict(
        claim["id"],
        grid.dataset,
        system,
        verdict,
        finding,
        "" if system is None else grid.variant(system),
        threshold=claim["threshold"],
        n=None if centre is None else centre.n,
        n_source=None if centre is None else centre.source,
        fewest_seeds=claim["fewest_seeds"],
    )


def _used(cells: Cells) -> list[Used]:
    return [
        Used(cells.system, int(m), tuple(int(seed) for seed in seeds.dropna().index))
        for m, seeds in cells.values.items()
    ]


def _lacking(curve: pd.DataFrame, fewest: int) -> str:
    """Where fewer seeds than `fewest` are left; empty if nowhere."""
    there = curve.notna().astype(int)
    counts = there.sum()
    few = counts[counts < fewest]
    if not few.empty and few.nunique() == 1 and len(few) == len(counts):
        return f"{few.iloc[0]} of at least {fewest} seeds"
    if not few.empty:
        return ", ".join(f"m = {m} has {k} of at least {fewest} seeds" for m, k in few.items())
    # Differences are paired: what counts is the seeds that two dimensions share.
    shared = int((there.T @ there).to_numpy().min())
    return f"two dimensions share {shared} of at least {fewest} seeds" if shared < fewest else ""


def _unshared(cells: Sequence[Cells], fewest: int) -> list[str]:
    """Where the first system and another share fewer seeds than `fewest` at a dimension."""
    first, *others = cells
    return [
        f"{first.system} and {it.system} share {shared} of at least {fewest} seeds at m = {m}"
        for it in others
        for m in it.values.columns.intersection(first.values.columns)
        if (shared := int((first.values[m].notna() & it.values[m].notna()).sum())) < fewest
    ]
