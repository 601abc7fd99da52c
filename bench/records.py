"""The table of records: its columns, and how it is read and written. See docs/architecture.md."""

import json
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pandas as pd

from bench import data, store, typed
from bench.mistake import Mistake
from bench.study import Cell, Study

__all__ = ["ABSENT", "COLUMNS", "complete", "described", "frame", "read", "write"]

COLUMNS = {
    "study": "string",
    "dataset": "string",
    "true_dim": "Int64",
    "system": "string",
    "base": "string",
    "dim": "Int64",
    "seed": "Int64",
    "protocol": "string",
    "status": "string",
    "step": "Int64",
    "split": "string",
    "features": "string",
    "resizer": "string",
    "stretch": "boolean",
    "checkpoint": "string",
    "samples": "Int64",
    "net": "string",
    "batch": "Int64",
    "steps": "Int64",
    "schedule": "string",
    "snapshot": "Int64",
    "options": "string",
    "caution": "string",
    "fid": "Float64",
    "fid_low": "Float64",
    "fid_high": "Float64",
    "fd_infinity": "Float64",
    "kid": "Float64",
    "kid_deviation": "Float64",
    "precision": "Float64",
    "recall": "Float64",
    "density": "Float64",
    "coverage": "Float64",
    "reconstruction": "Float64",
    "latent_divergence": "Float64",
    "nac": "Float64",
    "discovered_mask": "Int64",
    "discovered_units": "Int64",
    "elbo": "Float64",
    "iwae": "Float64",
    "bits": "Float64",
    "draws": "Int64",
    "pca_dimension": "Int64",
    "two_nn": "Float64",
    "mle_dimension": "Float64",
    "label_accuracy": "Float64",
    "label_accuracy_c": "Float64",
    "label_accuracy_z": "Float64",
    "label_variance": "Float64",
    "mean_gap": "Float64",
    "variance_ratio": "Float64",
    "component_separation": "Float64",
    "components_used": "Float64",
    "cell": "string",
    "code": "string",
    "environment": "string",
    "threads": "Int64",
    "device": "string",
    "data": "string",
    "extractor": "string",
}
ABSENT = ("failed", "missing", "timed-out")
"""The statuses of rows that stand for a cell without a record."""

_KEY = ["dataset", "system", "dim", "seed", "protocol"]


def frame(rows: pd.DataFrame | Iterable[dict]) -> pd.DataFrame:
    """Records as a table with typed columns, sorted by data set, system, dim, seed, protocol."""
    rows = rows if isinstance(rows, pd.DataFrame) else list(rows)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return table.sort_values(_KEY, kind="stable", na_position="first", ignore_index=True)


def read(*paths: str | Path) -> pd.DataFrame:
    """Records from one or more files.

    Raises:
        Mistake: a file has other columns, a value of another type or that cannot be, a name that
            is empty or has a slash or a control character, a cell without a seed, or one twice.
    """
    table = frame(pd.concat([frame(()), *map(_read, paths)]))
    if table.duplicated(_KEY).any():
        cell = table[table.duplicated(_KEY)].iloc[0][_KEY].to_dict()
        raise Mistake(f"{', '.join(map(str, paths))}: two records of one cell: {cell}")
    return table


def _read(path: str | Path) -> pd.DataFrame:
    table = typed.read(path, COLUMNS, "a table of records")
    if table[["dataset", "system", "status"]].isna().any(axis=None):
        raise Mistake(f"{path}: a record without dataset, system or status")
    if table.loc[table["dim"].notna(), "seed"].isna().any():
        raise Mistake(f"{path}: the record of a cell without its seed")
    for name, wrong in (
        ("status", ~table["status"].isin(["done", "diverged", *ABSENT])),
        ("dim", table["dim"] < 0),
        ("seed", table["seed"] < 0),
        ("fid", ~table["fid"].between(0, sys.float_info.max)),
    ):
        if len(odd := table.loc[wrong.fillna(False), name]):
            raise Mistake(f"{path}: {name} is {odd.iloc[0]}")
    # Files are named by them.
    for name in ("dataset", "system", "protocol"):
        odd = table[name].str.contains(r"[/\x00-\x1f\x7f]", na=False)
        if odd.any():
            raise Mistake(f"{path}: {name} is no name: {table.loc[odd, name].iloc[0]!r}")
    return table


def write(path: str | Path, rows: pd.DataFrame | Iterable[dict]) -> None:
    """Write records as CSV: floats with 9 significant digits, in a fixed order of rows."""
    store.write_text(path, frame(rows).to_csv(index=False, float_format="%.9g"))


def described(study: Study, dataset: str, protocol: str) -> dict:
    """What all records of a data set and protocol share: their names, and the whole protocol."""
    it = study.protocols[protocol]
    return {
        "study": study.name,
        "dataset": dataset,
        "protocol": protocol,
        "split": it.split,
        "features": it.features,
        "resizer": it.resizer,
        "stretch": it.stretch,
        "checkpoint": it.checkpoint,
        "samples": it.samples,
        "draws": it.draws,
    }


def complete(table: pd.DataFrame, study: Study, logs: Path | None = None) -> pd.DataFrame:
    """The table with a row for each cell and protocol without a record, of status `missing`; or
    `failed` or `timed-out`, where the log of its training or measurement says so.

    Arguments:
        logs: the folder of the workflow's logs, by job.

    Raises:
        Mistake: a record is of no cell of the study, or of one that was trained or measured in
            another way than the study says.
    """
    if logs is not None and not logs.is_dir():
        raise Mistake(f"{logs}: no such folder")
    cells = {(it.dataset, it.system, it.dim, it.seed): it for it in study.cells()}
    found = set()
    for row in table.to_dict("records"):
        key = tuple(row[name] for name in _KEY)
        _refuse_strange(row, key, cells, study)
        found.add(key)
    missing = [
        described(study, it.dataset, protocol)
        | {"system": it.system, "base": study.plan(it.dataset, it.system).system.base}
        | {"dim": it.dim, "seed": it.seed, "status": _absence(logs, it, protocol)}
        | {"true_dim": data.kind(it.dataset).true_dim}
        | {"options": json.dumps(study.plan(it.dataset, it.system).system.options, sort_keys=True)}
        for key, it in cells.items()
        for protocol in study.protocols
        if (*key, protocol) not in found
    ]
    return frame([*table.to_dict("records"), *missing])


def _absence(logs: Path | None, cell: Cell, protocol: str) -> str:
    """Why a cell has no record, from the logs of its jobs: its curve's, its own, or measurement."""
    if logs is not None:
        curve = f"{cell.dataset}/{cell.system}/{cell.seed}"
        trained = f"train/{curve}.log", f"train/{curve}/{cell.dim}.log"
        for name in (*trained, f"join/{curve}.log", f"evaluate/{curve}/{protocol}.log"):
            if found := ended(logs / name):
                return found
    return "missing"


@cache
def ended(log: Path) -> str:
    """How a job ended that did not end well, by its log: `failed` or `timed-out`; empty where that
    does not say."""
    if not log.exists():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    if lines[-1].startswith("bench: stopped:"):
        return "timed-out"
    failed = lines[-1].startswith("bench: error:") or "Traceback (most recent call last):" in lines
    return "failed" if failed else ""


def _refuse_strange(row: dict, key: tuple, cells: dict, study: Study) -> None:
    """A record that is none of the study's."""
    *cell, protocol = key
    control = pd.isna(row["dim"]) and row["dataset"] in study.datasets
    if protocol not in study.protocols or not (control or tuple(cell) in cells):
        named = ", ".join(f"{name} {value}" for name, value in zip(_KEY, key, strict=True))
        raise Mistake(f"a record of no cell of the study {study.name}: {named}")
    expected = described(study, row["dataset"], protocol)
    if not control and row["status"] not in ABSENT:
        plan = study.plan(row["dataset"], row["system"])
        expected |= {
            "base": plan.system.base,
            "net": str(plan.net),
            "batch": plan.training.batch,
            "steps": plan.training.steps,
            "schedule": plan.training.schedule,
            "options": json.dumps(plan.system.options, sort_keys=True),
        }
    for name, value in expected.items():
        same = pd.isna(row[name]) if value is None else row[name] == value
        if pd.isna(same) or not same:
            named = f"{row['dataset']}, {row['system']}, protocol {protocol}"
            raise Mistake(f"a record of {named} has {name} {row[name]}, and the study {value}")
