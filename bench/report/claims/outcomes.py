"""What judging a claim gives: the words of a verdict, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bench.report.curves import Failure

__all__ = [
    "INCONCLUSIVE",
    "NOT_REPRODUCED",
    "NOT_RUN",
    "REPRODUCED",
    "VERDICTS",
    "Cells",
    "Centre",
    "Estimate",
    "NotRun",
    "Outcome",
    "Used",
    "Verdict",
]

VERDICTS = ("reproduced", "not reproduced", "inconclusive", "not run")
REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_RUN = VERDICTS


@dataclass(frozen=True)
class Estimate:
    """A statistic's value and interval, and the dimensions and seeds of its records."""

    name: str
    value: float
    low: float | None
    high: float | None
    confidence: float
    dims: tuple[int, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Used:
    """Records behind a verdict: the cells of one curve at one dimension, or the replicates of an
    experiment's quantity (as `system`) at one setting (as `dim`), None where it has none."""

    system: str
    dim: int | None
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """What the records of one system on one data set say about one claim."""

    claim: str
    dataset: str  # or an experiment, whose verdicts have no system
    system: str | None  # None where the data set has no system that the claim is about
    verdict: str
    finding: str
    variant: str = ""  # base and options, where the label is not its base or an option is set
    estimates: tuple[Estimate, ...] = ()
    threshold: float | None = None
    n: int | None = None
    n_source: str | None = None
    fewest_seeds: int | None = None
    seeds: tuple[int, ...] = ()
    records: tuple[Used, ...] = ()
    failures: tuple[str, ...] = ()
    explanation: str = ""  # of a claim that was not reproduced, where anyone has one


@dataclass(frozen=True)
class Cells:
    """Numbers of one system that a verdict rests on.

    Attributes:
        values: [seeds, dims], NaN where a cell has no such number.
        failures: the cells that have none, and why.
        cautions: what must be said of the numbers.
    """

    system: str
    values: pd.DataFrame
    failures: Sequence[Failure] = ()
    cautions: Sequence[str] = ()


@dataclass(frozen=True)
class Centre:
    """The dimension n and where it came from: the data, or else the curve of a system."""

    n: int
    source: str
    cells: Cells | None = None

    def and_cells(self, *others: Cells) -> list[Cells]:
        """Other cells, and those that n was estimated from."""
        return [*others, *([] if self.cells is None else [self.cells])]


@dataclass(frozen=True)
class Outcome:
    """What a test says of a system: `cells` are all that the verdict stands or falls with."""

    verdict: str
    finding: str
    estimates: Sequence[Estimate]
    cells: Sequence[Cells]
    centre: Centre | None = None


class NotRun(Exception):
    """Raised by a test that these records cannot be put to: the reason, and n if it was found."""

    def __init__(self, reason: str, centre: Centre | None = None):
        super().__init__(reason)
        self.centre = centre
