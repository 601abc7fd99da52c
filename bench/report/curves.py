"""One data set's records as a grid: its curves, controls, failures and protocol."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench import records as table
from bench.mistake import Mistake
from bench.report.statistics import Interval, interval

__all__ = ["CONTROLS", "Failure", "Grid", "assignments", "grids"]

CONTROLS = {"real": "held-out real data", "noise": "noise"}  # and what a reader is told
_MEASURED = ("split", "features", "samples")
_TRAINED = ("net", "batch", "steps")  # empty for controls


@dataclass(frozen=True)
class Failure:
    """A cell without the number that was wanted of it, and why."""

    system: str
    dim: int
    seed: int
    reason: str  # "diverged", "missing" or "no <column>"
    step: int | None = None

    def __str__(self) -> str:
        at = f" at step {self.step}" if self.step is not None else ""
        return f"{self.system}, m = {self.dim}, seed {self.seed}: {self.reason}{at}"


@dataclass(frozen=True)
class Grid:
    """The records of one data set, sorted, all of one protocol (None: no record tells)."""

    dataset: str
    records: pd.DataFrame
    true_dim: int | None
    protocol: dict[str, str | int | None]

    def systems(self, bases: Collection[str] | None = None) -> list[str]:
        """The labels of the trained systems, sorted; of the named bases only, if given."""
        rows = self._cells
        if bases is not None:
            rows = rows[rows["base"].isin(list(bases))]
        return sorted(rows["system"].unique())

    def base(self, system: str) -> str:
        """The name of the published system behind a label."""
        return str(self.records.loc[self.records["system"] == system, "base"].iloc[0])

    def options(self, system: str) -> dict:
        """What the study set for a label; all else is at its defaults."""
        told = self.records.loc[self.records["system"] == system, "options"].dropna()
        return json.loads(told.iloc[0])

    def variant(self, system: str) -> str:
        """A label's base and options; empty where the label is the base and no option is set.

        Example: `mask-aae with mask_loss = paper`.
        """
        base, options = self.base(system), ", ".join(assignments(self.options(system)))
        if options:
            return f"{base} with {options}"
        return "" if base == system else base

    @property
    def seeds(self) -> list[int]:
        """The seeds of all trained cells: those that a complete curve has."""
        return sorted(int(seed) for seed in self._cells["seed"].unique())

    def curve(self, system: str, column: str = "fid") -> pd.DataFrame:
        """A column of records, shape [seeds, dims], NaN where a cell has no such number."""
        rows = self._cells[self._cells["system"] == system]
        wide = rows.where(rows["status"] == "done")[column].astype("Float64")
        wide = wide.to_numpy(float, na_value=np.nan)
        keys = pd.MultiIndex.from_arrays([rows["seed"].astype(int), rows["dim"].astype(int)])
        wide = pd.Series(np.where(np.isfinite(wide), wide, np.nan), keys).unstack()
        return wide.reindex(self.seeds).sort_index(axis=1)

    def failures(self, system: str, column: str = "fid") -> list[Failure]:
        """The cells of a curve that have no such number, by dimension and seed."""
        rows = self._cells[self._cells["system"] == system].set_index(["dim", "seed"])
        found = []
        for dim, seeds in self.curve(system, column).items():
            for seed in seeds.index[seeds.isna()]:
                reason, step = "missing", None
                if (dim, seed) in rows.index:
                    row = rows.loc[(dim, seed)]
                    reason = f"no {column}" if row["status"] == "done" else str(row["status"])
                    step = None if pd.isna(row["step"]) else int(row["step"])
                found.append(Failure(system, int(dim), int(seed), reason, step))
        return found

    def control(self, name: str) -> Interval | None:
        """A control's distance over seeds; None where it was not measured."""
        rows = self.records[(self.records["system"] == name) & (self.records["status"] == "done")]
        values = rows["fid"].to_numpy(float, na_value=np.nan)
        return interval(pd.Series(values, rows["seed"].fillna(0).astype(int)))

    @property
    def _cells(self) -> pd.DataFrame:
        return self.records[self.records["dim"].notna()]


def grids(records: pd.DataFrame) -> list[Grid]:
    """The data sets of a table of records in any order of rows, sorted by name.

    Raises:
        Mistake: one data set's records have several protocols (whose numbers are not comparable),
            several true dimensions, one label with several bases or options, or controls only.
    """
    records = table.frame(records.to_dict("records"))
    return [_grid(str(name), rows) for name, rows in records.groupby("dataset", sort=True)]


def assignments(options: Mapping) -> list[str]:
    """Options as texts: `mask_loss = paper`."""
    return [f"{name} = {value}" for name, value in options.items()]


def _grid(name: str, rows: pd.DataFrame) -> Grid:
    cells = rows[rows["dim"].notna()]
    if cells.empty:
        raise Mistake(f"{name}: no trained cells in these records")
    protocol = {
        column: _only(those, column, f"{name}: records of several protocols in one table:")
        for columns, those in ((_MEASURED, rows), (_TRAINED, cells))
        for column in columns
    }
    true_dim = _only(rows, "true_dim", f"{name}: several values of")
    for label, own in cells.groupby("system"):
        _only(own, "base", f"{name}: {label} has several values of")
        options = _only(own, "options", f"{name}: {label} has several values of")
        _check_options(options, f"{name}: the options of {label}")
    return Grid(name, rows.reset_index(drop=True), true_dim, protocol)


def _only(rows: pd.DataFrame, column: str, complaint: str) -> str | int | None:
    """The value that all rows share; a failed row may lack it."""
    told = rows.loc[(rows["status"] == "done") | rows[column].notna(), column].drop_duplicates()
    if len(told) > 1:
        raise Mistake(f"{complaint} {column} {', '.join(map(str, told))}")
    if told.isna().all():
        return None
    return str(told.iloc[0]) if told.dtype == "string" else int(told.iloc[0])


def _check_options(text: str | None, what: str) -> None:
    try:
        right = isinstance(json.loads(text), dict)
    except (TypeError, ValueError):
        right = False
    if not right:
        raise Mistake(f"{what} are {text or 'missing'}, not a JSON object")
