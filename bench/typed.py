"""Tables as CSV with named, typed columns: read strictly."""

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
        Mistake: other columns, or a value of another type.
    """
    try:
        # A name may be one of those that pandas takes for no value.
        table = pd.read_csv(path, dtype=dict(columns), keep_default_na=False, na_values=[""])
    except (ValueError, TypeError, OverflowError) as error:
        raise Mistake(f"{path}: not {what}: {error}") from None
    if list(table.columns) != list(columns):
        raise Mistake(f"{path}: the columns of {what} are {', '.join(columns)}")
    return table
