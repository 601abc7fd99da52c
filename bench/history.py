"""What training tells of itself: means of named quantities over stretches of it, cell by cell."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bench import store, typed
from bench.mistake import Mistake

__all__ = ["COLUMNS", "History", "read", "write"]

KEY = ["dataset", "system", "dim", "seed", "quantity", "epoch"]

COLUMNS = {
    "dataset": "string",
    "system": "string",
    "dim": "int64",
    "seed": "int64",
    "quantity": "string",
    "epoch": "float64",
    "step": "int64",
    "value": "float64",
}
"""A quantity's mean over the steps of a stretch of a cell's training: an epoch, or a part of one
where there are few. `epoch` and `step` are what is done at its end, and an empty value was not a
finite number."""

_AT_ONCE = 64
"""So many notes of a quantity are added up together."""


class History:
    """Quantities that losses note at every step, such as `kl` in nats.

    Arguments:
        dims: the cells' latent dimensions.

    Attributes:
        rows: of the table, but for the columns that say which curve it is.
    """

    def __init__(self, dims: Sequence[int]):
        self.dims, self.rows = dims, []
        self._sums: dict = {}
        self._noted: dict[tuple[str, int], list] = {}

    @property
    def sums(self) -> dict:
        """Of the epoch so far: by quantity and number of axes the sum and how many there are."""
        self._add_up()
        return self._sums

    def _add_up(self) -> None:
        # In the order of steps; of many at once, for the reason that bench/ahead.py gives.
        for key, noted in self._noted.items():
            total, count = self._sums.get(key, (0, 0))
            for values in noted:
                total = total + values.double()
            self._sums[key] = total, count + len(noted)
        self._noted.clear()

    def note(self, quantity: str, values, kept: bool = False) -> None:
        """Add a step's values: a tensor [cells], or [cells, width] with one for each coordinate of
        the code, which are told as `quantity.001` and so on, of a cell's own coordinates. They are
        copied, unless they are `kept`: nobody writes to them any more."""
        # A player's loss may have the name of a quantity of coordinates.
        noted = self._noted.setdefault((quantity, values.ndim), [])
        noted.append(values if kept else values.detach().clone())
        if len(noted) == _AT_ONCE:
            self._add_up()

    def close(self, epoch: float, step: int) -> None:
        """End a stretch after so many epochs and steps of training."""
        for (quantity, _), (total, count) in sorted(self.sums.items()):
            for dim, value in zip(self.dims, (total / count).tolist(), strict=True):
                each = {quantity: value}
                if isinstance(value, list):
                    each = {f"{quantity}.{i:03d}": it for i, it in enumerate(value[:dim], 1)}
                self.rows += [
                    {"dim": dim, "quantity": name, "epoch": epoch, "step": step, "value": it}
                    for name, it in each.items()
                ]
        self.sums.clear()


def write(path: str | Path, rows: Iterable[dict]) -> None:
    """Write rows as CSV, sorted by their key: values with 9 significant digits, empty where they
    are no finite numbers."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(COLUMNS)
    table["value"] = table["value"].where(np.isfinite(table["value"]))
    table = table.sort_values(KEY, kind="stable", ignore_index=True)
    store.write_text(path, table.to_csv(index=False, float_format="%.9g", lineterminator="\n"))


def read(*paths: str | Path) -> pd.DataFrame:
    """The rows of one or more files, sorted by their key.

    Raises:
        Mistake: other columns, a value of another type or none, one that is infinite, or two of
            one epoch.
    """
    tables = []
    for path in paths:
        table = typed.read(path, COLUMNS, "a history of training")
        if table.drop(columns="value").isna().any(axis=None) or (table["epoch"] <= 0).any():
            raise Mistake(f"{path}: only a value may be empty, and epochs are above 0")
        if np.isinf(table["value"]).any():
            raise Mistake(f"{path}: a value that is no finite number is left empty")
        tables.append(table)
    table = pd.concat(tables) if tables else pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    if table.duplicated(KEY).any():
        key = table[table.duplicated(KEY)].iloc[0][KEY].to_dict()
        raise Mistake(f"{', '.join(map(str, paths))}: two rows of one epoch: {key}")
    return table.sort_values(KEY, kind="stable", ignore_index=True)
