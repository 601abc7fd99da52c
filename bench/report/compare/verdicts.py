"""Verdicts that are others than they were."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.report.claims import Estimate, Verdict, judge
from bench.report.claims.outcomes import INCONCLUSIVE, NOT_RUN, REPRODUCED
from bench.report.results import Results

__all__ = ["Change", "changes"]


@dataclass(frozen=True)
class Change:
    """A verdict that is another than it was.

    Attributes:
        system: None where the verdict is on a data set, or on an experiment (named as data set).
        then, now: the words of the verdicts.
        finding: what is found now.
        alarm: whether that is a regression: `reproduced` was lost, and not by chance.
    """

    claim: str
    dataset: str
    system: str | None
    then: str
    now: str
    finding: str
    alarm: bool


def changes(reference: Results, results: Results, exactly: bool) -> list[Change]:
    """Verdicts that changed, regressions first.

    A verdict `reproduced` that is another now is a regression. One exception is made where digits
    are not compared: from `reproduced` to `inconclusive` is a step that the noise of few seeds
    takes alone (an interval that ended just beside a threshold), so there an interval of its
    evidence must have left the one it had in the reference.

    Arguments:
        exactly: whether digits are compared.

    Raises:
        Mistake: the records of a side do not belong together.
    """
    sides = [
        {(it.claim, it.dataset, it.system): it for it in judge(*_judged(side))}
        for side in (reference, results)
    ]
    found = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        then, now = (_of(side, key) for side in sides)
        before = then.verdict if then else NOT_RUN
        verdict, finding = (now.verdict, now.finding) if now else (NOT_RUN, "No such records.")
        # What is said of all systems at once is told by system where the other side does so.
        whole = key[2] is None and any(it[:2] == key[:2] and it[2] for it in sides[0] | sides[1])
        if verdict != before and not whole:
            noisy = not exactly and verdict == INCONCLUSIVE and not _moved(then, now)
            alarm = before == REPRODUCED and not noisy
            found.append(Change(*key, before, verdict, finding, alarm))
    return sorted(found, key=lambda it: not it.alarm)


def _of(side: Mapping[tuple, Verdict], key: tuple) -> Verdict | None:
    """A verdict by claim, data set and system; what is the same for all systems is said once."""
    return side.get(key) or side.get((*key[:2], None))


def _judged(side: Results) -> tuple:
    return side.records, side.history, side.experiments


def _moved(then: Verdict, now: Verdict) -> bool:
    """Whether two intervals of one estimate do not meet, or no estimate is left."""
    before, after = _intervals(then.estimates), _intervals(now.estimates)
    shared = before.keys() & after.keys()
    apart = any(
        before[it][0] > after[it][1] or after[it][0] > before[it][1] for it in sorted(shared)
    )
    return apart or not shared


def _intervals(estimates: Iterable[Estimate]) -> dict[tuple, tuple[float, float]]:
    return {(it.name, it.dims): (it.low, it.high) for it in estimates if it.low is not None}
