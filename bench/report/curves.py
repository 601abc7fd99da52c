"""One data set's records as a grid: its curves, controls, failures and protocol."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench import records as table
from bench.report.statistics import Interval, interval

__all__ = ["CONTROLS", "Failure", "Grid", "grids"]

CONTROLS = ("real", "noise")
_PROTOCOL = ["split", "features", "samples"]


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
    """The records of one data set, sorted, all of one protocol."""

    dataset: str
    records: pd.DataFrame
    true_dim: int | None
    protocol: dict[str, str | int]

    def systems(self, bases: Collection[str] | None = None) -> list[str]:
        """The labels of the trained systems, sorted; of the named bases only, if given."""
        rows = self._cells
        if bases is not None:
            rows = rows[rows["base"].isin(list(bases))]
        return sorted(rows["system"].unique())

    def base(self, system: str) -> str:
        """The name of the published system behind a label."""
        return str(self.records.loc[self.records["system"] == system, "base"].iloc[0])

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
        ValueError: one data set's records have several protocols (whose numbers are not
            comparable), several true dimensions, or controls only.
    """
    records = table.frame(records.to_dict("records"))
    return [_grid(str(name), rows) for name, rows in records.groupby("dataset", sort=True)]


def _grid(name: str, rows: pd.DataFrame) -> Grid:
    if rows["dim"].isna().all():
        raise ValueError(f"{name}: no trained cells in these records")
    protocols = rows.loc[rows["status"] == "done", _PROTOCOL].drop_duplicates()
    if len(protocols) > 1:
        several = "; ".join(", ".join(map(str, row)) for row in protocols.to_numpy())
        raise ValueError(f"{name}: records of several protocols in one table: {several}")
    dims = rows["true_dim"].drop_duplicates()
    if len(dims) > 1:
        raise ValueError(f"{name}: several true dimensions: {', '.join(map(str, dims))}")
    protocol = {key: value for row in protocols.to_dict("records") for key, value in row.items()}
    true_dim = None if dims.isna().all() else int(dims.iloc[0])
    return Grid(name, rows.reset_index(drop=True), true_dim, protocol)
