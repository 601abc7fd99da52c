"""What all experiments share: their replicates, and the table that these are rows of."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bench import experiments, seeds, store, typed
from bench.mistake import Mistake

__all__ = ["COLUMNS", "frame", "read", "replicates", "write"]

_KEY = ["experiment", "seed", "quantity", "setting"]

COLUMNS = {
    "experiment": "string",
    "seed": "Int64",
    "quantity": "string",
    "setting": "Int64",
    "value": "Float64",
}
"""A quantity of one replicate. `setting` is what it was taken at (a batch size, say), empty where
there is nothing to set, and a value may be +inf: a true value, such as that of a divergence, and
never a failure."""


def replicates(name: str, master_seed: int, numbers: Sequence[int]) -> list[dict]:
    """The rows of an experiment's replicates, which are independent of each other.

    Arguments:
        numbers: of the replicates: a study's seeds.
    """
    module = experiments.load(name)
    return [
        {"experiment": name, "seed": number} | row
        for number in numbers
        for row in module.run(seeds.derive(master_seed, experiment=name, seed=number))
    ]


def frame(rows: Iterable[dict]) -> pd.DataFrame:
    """Rows as a table with typed columns, sorted by their key."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(COLUMNS)
    return table.sort_values(_KEY, kind="stable", na_position="first", ignore_index=True)


def write(path: str | Path, rows: Iterable[dict]) -> None:
    """Write rows as CSV, sorted by their key: values with 9 significant digits."""
    text = frame(rows).to_csv(index=False, float_format="%.9g", lineterminator="\n")
    store.write_text(path, text)


def read(*paths: str | Path) -> pd.DataFrame:
    """The rows of one or more files, sorted by their key.

    Raises:
        Mistake: other columns, a value of another type, an empty one but for a setting, one that
            is -inf, or two of one quantity, setting and seed.
    """
    tables = [typed.read(path, COLUMNS, "a table of experiments") for path in paths]
    for path, table in zip(paths, tables, strict=True):
        values = table["value"].to_numpy(float, na_value=np.nan)
        if table.drop(columns="setting").isna().any(axis=None) or (values == -np.inf).any():
            raise Mistake(f"{path}: only a setting may be empty, and no value is -inf")
    table = frame(row for table in tables for row in table.to_dict("records"))
    if table.duplicated(_KEY).any():
        key = table[table.duplicated(_KEY)].iloc[0][_KEY].to_dict()
        raise Mistake(f"{', '.join(map(str, paths))}: two rows of one quantity: {key}")
    return table
