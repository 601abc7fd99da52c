"""What training tells of itself: the mean of named quantities over each epoch, cell by cell."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench import store

__all__ = ["History"]


class History:
    """Quantities that losses note at every step, such as `kl` in nats.

    Arguments:
        dims: the cells' latent dimensions.
    """

    columns = ("dim", "epoch", "step", "quantity", "value")

    def __init__(self, dims: Sequence[int]):
        self.dims, self.rows = dims, []
        self._sums: dict[str, tuple[Tensor, int]] = {}

    def note(self, quantity: str, values: Tensor) -> None:
        """Add a step's values [cells]."""
        total, count = self._sums.get(quantity, (0, 0))
        self._sums[quantity] = (total + values.detach().double(), count + 1)

    def close(self, epoch: int, step: int) -> None:
        """End an epoch (counted from 1) after so many steps of training."""
        for quantity, (total, count) in sorted(self._sums.items()):
            for dim, value in zip(self.dims, (total / count).tolist(), strict=True):
                self.rows.append((dim, epoch, step, quantity, value))
        self._sums.clear()

    @staticmethod
    def write(path: str | Path, rows: Sequence[tuple]) -> None:
        """Write rows as CSV, by cell, then quantity, then epoch; empty where no finite number."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(History.columns)
        for dim, epoch, step, quantity, value in sorted(rows, key=lambda it: (it[0], it[3], it[1])):
            finite = torch.tensor(value).isfinite()
            table.writerow((dim, epoch, step, quantity, f"{value:.9g}" if finite else ""))
        store.write_text(path, text.getvalue())
