"""Tables as CSV with named, typed columns: read strictly."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bench.mistake import Mistake

__all__ = ["read"]


def read(path: str | Path, columns: Mapping[str, str], what: str) -> pd.DataFrame:
    """The rows of one file.

    Arguments:
        columns: the names, in their order, and the types of pandas.
        what: what such a table is called.

    Raises:
        Mistake: other columns, a row that is cut off, or a value of another type.
    """
    try:
        _refuse_cut_rows(path)
        # A name may be one of those that pandas takes for no value.
        table = pd.read_csv(path, dtype=dict(columns), keep_default_na=False, na_values=[""])
    except (ValueError, TypeError, OverflowError, csv.Error) as error:
        raise Mistake(f"{path}: not {what}: {error}") from None
    if list(table.columns) != list(columns):
        raise Mistake(f"{path}: the columns of {what} are {', '.join(columns)}")
    return table


def _refuse_cut_rows(path: str | Path) -> None:
    """Of a row with too few fields pandas takes the last for whole, and the rest for no value."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        count = len(next(reader, []))
        for row in reader:
            if row and len(row) < count:
                raise ValueError(f"line {reader.line_num} has {len(row)} of {count} fields")
        file.seek(0)
        if not file.read().endswith(("\n", "\r")):
            raise ValueError("its last line has no end")
