"""Records of one data set and one protocol as a grid: curves, controls, failures, cautions."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bench import records as table
from bench.mistake import Mistake
from bench.report.statistics import Interval, interval

__all__ = ["CONTROLS", "MAIN", "Failure", "Grid", "assignments", "grids"]

MAIN = "main"  # the protocol that claims are judged on; others were measured on the same models

CONTROLS = {"real": "held-out real data", "noise": "noise"}  # and what a reader is told
_MEASURED = ("split", "features", "resizer", "samples", "draws")
_GENERATED = ("checkpoint", "stretch")  # a control need not have these
_TRAINED = ("net", "batch", "steps", "schedule")


@dataclass(frozen=True)
class Failure:
    """A cell without the number that was wanted of it, and why."""

    system: str
    dim: int
    seed: int
    reason: str  # "diverged", one of `records.ABSENT` or "no <column>"
    step: int | None = None

    def __str__(self) -> str:
        at = f" at step {self.step}" if self.step is not None else ""
        return f"{self.system}, m = {self.dim}, seed {self.seed}: {self.reason}{at}"


@dataclass(frozen=True)
class Grid:
    """The records of one data set under one protocol, sorted; None: no record tells."""

    dataset: str
    name: str  # of the protocol
    records: pd.DataFrame
    true_dim: int | None
    protocol: dict[str, str | int | bool | None]
    training: dict[str, dict[str, str | int | None]]  # by system
    others: tuple["Grid", ...] = ()  # of the main protocol: the data set's further ones, by name

    def systems(self, bases: Collection[str] | None = None) -> list[str]:
        """The labels of the trained systems, sorted; of the named bases only, if given."""
        labels = sorted(self._of)
        return labels if bases is None else [it for it in labels if self._base.get(it) in bases]

    def base(self, system: str) -> str:
        """The name of the published system behind a label."""
        return self._base[system]

    def options(self, system: str) -> dict:
        """What the study set for a label, if any record tells; all else is at its defaults."""
        told = self.records.loc[self.records["system"] == system, "options"].dropna()
        return {} if told.empty else json.loads(told.iloc[0])

    def variant(self, system: str) -> str:
        """A label's base and options; empty where the label is the base and no option is set.

        Example: `mask-aae with mask_loss = paper`.
        """
        base, options = self.base(system), ", ".join(assignments(self.options(system)))
        if options:
            return f"{base} with {options}"
        return "" if base == system else base

    def untrained(self, system: str | None = None) -> int:
        """How many cells a system (or the data set) has, if none of them has a record; else 0."""
        rows = self._cells if system is None else self._of[system]
        return len(rows) if rows["status"].isin(table.ABSENT).all() else 0

    def lost(self, system: str | None = None) -> str:
        """How the cells ended of what is `untrained`: `missing`, say, or `failed or missing`."""
        rows = self._cells if system is None else self._of[system]
        return " or ".join(sorted(rows["status"].unique()))

    def cautions(self, system: str | None = None, dim: int | None = None) -> list[str]:
        """What a reader must be told of distances: of a system, at a dimension, where given."""
        return sorted(
            {
                text.rstrip(".")
                for label, m, text in self._cautions
                if system in (None, label) and dim in (None, m)
            }
        )

    @cached_property
    def seeds(self) -> list[int]:
        """The seeds of all cells: those that a complete curve has."""
        return sorted(int(seed) for seed in self._cells["seed"].unique())

    def curve(self, system: str, column: str = "fid") -> pd.DataFrame:
        """A column of records, shape [seeds, dims], NaN where a cell has no such number."""
        if (system, column) not in self._curves:
            rows = self._of[system]
            values = rows[column].to_numpy(float, na_value=np.nan)
            told = (rows["status"] == "done").to_numpy(bool) & np.isfinite(values)
            dims, across = np.unique(rows["dim"].to_numpy(int), return_inverse=True)
            wide = np.full((len(self.seeds), len(dims)), np.nan)
            down = np.searchsorted(self.seeds, rows["seed"].to_numpy(int))
            wide[down[told], across[told]] = values[told]
            index = pd.Index(self.seeds, name="seed"), pd.Index(dims, name="dim")
            self._curves[system, column] = pd.DataFrame(wide, *index)
        return self._curves[system, column].copy()

    def failures(self, system: str, column: str = "fid") -> list[Failure]:
        """The cells of a curve that have no such number, by dimension and seed."""
        found = []
        for dim, seeds in self.curve(system, column).items():
            for seed in seeds.index[seeds.isna()]:
                status, step = self._statuses.get((system, dim, seed), ("missing", pd.NA))
                reason = f"no {column}" if status == "done" else str(status)
                step = None if pd.isna(step) else int(step)
                found.append(Failure(system, int(dim), int(seed), reason, step))
        return found

    def control(self, name: str, column: str = "fid") -> Interval | None:
        """A control's distance, or another column, over seeds; None where it was not measured."""
        rows = self.records[(self.records["system"] == name) & (self.records["status"] == "done")]
        values = rows[column].to_numpy(float, na_value=np.nan)
        return interval(pd.Series(values, rows["seed"].fillna(0).astype(int)))

    @cached_property
    def _cells(self) -> pd.DataFrame:
        return self.records[self.records["dim"].notna()]

    @cached_property
    def _base(self) -> dict[str, str]:
        """The base by label, controls too, where a record tells."""
        return dict(_tuples(self.records.dropna(subset="base"), ["system", "base"]))

    @cached_property
    def _of(self) -> dict[str, pd.DataFrame]:
        """The cells by system."""
        return dict(iter(self._cells.groupby("system")))

    @cached_property
    def _statuses(self) -> dict[tuple[str, int, int], tuple[str, int]]:
        """Status and step by system, dimension and seed."""
        keys, told = ["system", "dim", "seed"], ["status", "step"]
        return {row[:3]: row[3:] for row in _tuples(self._cells, keys + told)}

    @cached_property
    def _cautions(self) -> list[tuple[str, int, str]]:
        """System, dimension (NA of controls) and caution of the records that have one."""
        rows = self.records[(self.records["status"] == "done") & self.records["caution"].notna()]
        return _tuples(rows, ["system", "dim", "caution"])

    @cached_property
    def _curves(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Those that were asked for, by system and column: many ask for the same."""
        return {}


def grids(records: pd.DataFrame) -> list[Grid]:
    """Each data set's grid of the main protocol, sorted by name, with its further protocols.

    Raises:
        Mistake: there are no records; those of one data set and protocol were measured in several
            ways (whose numbers are not comparable), a data set lacks the main protocol, has several
            true dimensions, one label with several bases, options or ways of training, or has
            controls only.
    """
    records = table.frame(records)
    if records.empty:
        raise Mistake("there is not one record in the table")
    return [_dataset(str(name), rows) for name, rows in records.groupby("dataset", sort=True)]


def assignments(options: Mapping) -> list[str]:
    """Options as texts: `mask_loss = paper`."""
    return [f"{name} = {value}" for name, value in options.items()]


def _tuples(rows: pd.DataFrame, columns: list[str]) -> list[tuple]:
    return list(rows[columns].itertuples(index=False, name=None))


def _dataset(name: str, rows: pd.DataFrame) -> Grid:
    names = sorted(rows["protocol"].dropna().unique())
    if MAIN not in names or rows["protocol"].isna().any():
        raise Mistake(f"{name}: no records of the protocol {MAIN}; there are {', '.join(names)}")
    true_dim = _only(rows, "true_dim", f"{name}: several values of")
    cells = rows[rows["dim"].notna()]
    training = {}
    for label, own in cells.groupby("system"):
        complaint = f"{name}: {label} has several values of"
        _only(own, "base", complaint)
        options = _only(own, "options", complaint)
        if not own["status"].isin(table.ABSENT).all() or options is not None:
            _check_options(options, f"{name}: the options of {label}")
        training[str(label)] = {column: _only(own, column, complaint) for column in _TRAINED}
    main, *others = (
        _grid(name, one, rows[rows["protocol"] == one], true_dim, training)
        for one in sorted(names, key=lambda one: (one != MAIN, one))
    )
    return replace(main, others=tuple(others))


def _grid(
    dataset: str, name: str, rows: pd.DataFrame, true_dim: int | None, training: dict
) -> Grid:
    cells = rows["dim"].notna()
    if not cells.any():
        raise Mistake(f"{dataset}: no trained cells in these records of the protocol {name}")
    complaint = f"{dataset}: records of several protocols in one table ({name}):"
    protocol = {column: _only(rows, column, complaint) for column in _MEASURED}
    protocol |= {
        column: _only(rows[cells | rows[column].notna()], column, complaint)
        for column in _GENERATED
    }
    systems = {label: training[label] for label in sorted(rows.loc[cells, "system"].unique())}
    return Grid(dataset, name, rows.reset_index(drop=True), true_dim, protocol, systems)


def _only(rows: pd.DataFrame, column: str, complaint: str) -> str | int | bool | None:
    """The value that all rows share; a row that is not done may lack it."""
    told = rows.loc[(rows["status"] == "done") | rows[column].notna(), column].drop_duplicates()
    if len(told) > 1:
        raise Mistake(f"{complaint} {column} {', '.join(map(str, told))}")
    if told.isna().all():
        return None
    return {"string": str, "boolean": bool}.get(str(told.dtype), int)(told.iloc[0])


def _check_options(text: str | None, what: str) -> None:
    try:
        right = isinstance(json.loads(text), dict)
    except (TypeError, ValueError):
        right = False
    if not right:
        raise Mistake(f"{what} are {text or 'missing'}, not a JSON object")
