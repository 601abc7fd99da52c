"""The table of records: its columns, and how it is read and written. See docs/architecture.md."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from bench import store
from bench.mistake import Mistake

__all__ = ["COLUMNS", "frame", "read", "write"]

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
}
_KEY = ["dataset", "system", "dim", "seed", "protocol"]


def frame(rows: Iterable[dict]) -> pd.DataFrame:
    """Records as a table with typed columns, sorted by data set, system, dimension, seed, protocol."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(COLUMNS)
    return table.sort_values(_KEY, kind="stable", na_position="first", ignore_index=True)


def read(*paths: str | Path) -> pd.DataFrame:
    """Records from one or more files.

    Raises:
        Mistake: a file has other columns, a value of another type, or a cell twice.
    """
    tables = []
    for path in paths:
        try:
            table = pd.read_csv(path, dtype=COLUMNS)
        except (ValueError, TypeError) as error:
            raise Mistake(f"{path}: not a table of records: {error}") from None
        if list(table.columns) != list(COLUMNS):
            raise Mistake(f"{path}: the columns of a table of records are {', '.join(COLUMNS)}")
        tables.append(table)
    table = frame(pd.concat(tables).to_dict("records"))
    if table.duplicated(_KEY).any():
        cell = table[table.duplicated(_KEY)].iloc[0][_KEY].to_dict()
        raise Mistake(f"{', '.join(map(str, paths))}: two records of one cell: {cell}")
    return table


def write(path: str | Path, rows: Iterable[dict]) -> None:
    """Write records as CSV: floats with 9 significant digits, in a fixed order of rows."""
    store.write_text(path, frame(rows).to_csv(index=False, float_format="%.9g"))
