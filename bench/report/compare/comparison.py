"""Two tables of records compared: what changed, what is lost, and what became of the verdicts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.mistake import Mistake
from bench.report.compare import chance, matched
from bench.report.compare.agreement import disagreement
from bench.report.compare.directions import floor, word
from bench.report.compare.sides import refuse_strangers
from bench.report.compare.verdicts import Change, changes
from bench.report.results import Results

__all__ = ["Comparison", "compare"]

_ORDER = {"lost": 0, "worse": 0, "changed": 1, "better": 2, "same": 3, "new": 4}


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        inexact: why digits could not be compared; empty where they were.
        groups: of `matched.groups`, worst first, with `relative` (the change of the mean over its
            size in the reference, ±inf where that is 0), `adjusted` (p, NaN where none was taken)
            and `word`: lost (no seed has the number any more), worse, changed, better, same, new.
        cells: of `matched.cells`, with `word`: lost (done then, not now), recovered (failed then,
            done now), new, failed (done neither then nor now), done.
        verdicts: those that are others than they were, regressions first.
    """

    inexact: str
    groups: pd.DataFrame
    cells: pd.DataFrame
    verdicts: list[Change]

    @property
    def alarms(self) -> pd.DataFrame:
        """The groups that raise an alarm, worst first."""
        return self.groups[self.groups["word"].isin(["lost", "worse", "changed", "better"])]

    @property
    def regressed(self) -> bool:
        """Whether anything is worse, lost or changed."""
        words = {*self.groups["word"], *self.cells["word"]}
        return bool(words & {"worse", "changed", "lost"}) or any(it.alarm for it in self.verdicts)

    @property
    def improved(self) -> bool:
        """Whether anything is better, or done that failed."""
        return bool({*self.groups["word"], *self.cells["word"]} & {"better", "recovered"})


def compare(reference: Results, results: Results) -> Comparison:
    """Records against reference records: digits where their environments agree, else by chance.

    Raises:
        Mistake: they cannot be compared: another study or protocol, no cell in common, or neither
            one environment nor two seeds.
    """
    refuse_strangers(reference.records, results.records)
    inexact = disagreement(reference.environment, results.environment)
    cells = matched.cells(reference.records, results.records)
    cells["word"] = [_fate(*it) for it in zip(cells["then"], cells["now"], strict=True)]
    groups = matched.groups(reference, results)
    with np.errstate(divide="ignore", invalid="ignore"):
        groups["change"] = groups["mean_now"] - groups["mean_then"]
        groups["relative"] = groups["change"] / groups["mean_then"].abs()
    groups["adjusted"] = chance.adjusted(chance.p_values(groups)) if inexact else np.nan
    if inexact and groups["adjusted"].isna().all() and "lost" not in {*cells["word"]}:
        told = f"cannot compare: digits need one environment ({inexact}), and chance two seeds"
        raise Mistake(told)
    groups["word"] = _words(groups, exactly=not inexact)
    order = np.lexsort((-groups["relative"].abs(), groups["word"].map(_ORDER)))
    groups = groups.iloc[order].reset_index(drop=True)
    return Comparison(inexact, groups, cells, changes(reference, results, exactly=not inexact))


def _fate(then: str, now: str) -> str:
    if then == "done":
        return "done" if now == "done" else "lost"
    if now != "done":
        return "failed"
    return "new" if then in ("absent", "missing") else "recovered"


def _words(groups: pd.DataFrame, exactly: bool) -> np.ndarray:
    if exactly:
        told = (groups["differing"] > 0) | (groups["count_then"] != groups["count_now"])
    else:
        large = groups["relative"].abs() >= groups["metric"].map(floor)
        told = (large & (groups["adjusted"] <= chance.LEVEL)) | np.isinf(groups["change"])
    rows = zip(groups["metric"], groups["change"], told, strict=True)
    words = [word(metric, change) if it else "same" for metric, change, it in rows]
    return np.select([groups["count_then"] == 0, groups["count_now"] == 0], ["new", "lost"], words)
