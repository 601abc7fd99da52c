"""A table of records and what lies beside it: training curves, and pictures of trained cells."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from bench import records as table
from bench.mistake import Mistake

__all__ = ["HISTORY", "Results", "read", "read_history"]

HISTORY = {
    "study": "string",
    "dataset": "string",
    "system": "string",
    "dim": "int64",
    "seed": "int64",
    "epoch": "int64",
    "step": "int64",
    "quantity": "string",
    "value": "float64",
}
"""The columns of `history.csv`: a quantity's mean over the steps of an epoch of a cell's training.
Epochs count from 1, `step` is the number of steps done at its end, and an empty value was not a
finite number."""

_KEY = ["study", "dataset", "system", "dim", "seed", "epoch", "quantity"]
_PICTURES = ("samples", "reconstructions", "centres")
_ARRAYS = ({"dims", "originals", *_PICTURES, "use"}, {"dims", "originals", *_PICTURES[:2]})


@dataclass(frozen=True)
class Results:
    """What the report is made of.

    Attributes:
        records: the table; see `bench.records`.
        history: training curves with the columns `HISTORY`; None where there are none.
        gallery: by data set and system the arrays of `bench.gallery.pictures`.
    """

    records: pd.DataFrame
    history: pd.DataFrame | None = None
    gallery: Mapping[tuple[str, str], Mapping[str, np.ndarray]] = field(default_factory=dict)


def read(path: str | Path) -> Results:
    """A table of records, with `history.csv` and `gallery/<dataset>/<system>.npz` of its folder.

    Raises:
        Mistake: a file is not what its name says.
    """
    folder = Path(path).parent
    history, pictures = folder / "history.csv", sorted(folder.glob("gallery/*/*.npz"))
    return Results(
        table.read(path),
        read_history(history) if history.exists() else None,
        {(file.parent.name, file.stem): _pictures(file) for file in pictures},
    )


def read_history(path: str | Path) -> pd.DataFrame:
    """Training curves, with the columns `HISTORY`.

    Raises:
        Mistake: other columns, a value of another type or none, one that is infinite, or two of
            one epoch.
    """
    try:
        history = pd.read_csv(path, dtype=HISTORY)
    except (ValueError, TypeError) as error:
        raise Mistake(f"{path}: not a table of training curves: {error}") from None
    if list(history.columns) != list(HISTORY):
        raise Mistake(f"{path}: the columns of training curves are {', '.join(HISTORY)}")
    if history.drop(columns="value").isna().any(axis=None) or (history["epoch"] < 1).any():
        raise Mistake(f"{path}: only a value may be empty, and epochs count from 1")
    if np.isinf(history["value"]).any():
        raise Mistake(f"{path}: a value that is no finite number is left empty")
    if (twice := history.duplicated(_KEY)).any():
        found = history[twice].iloc[0][_KEY].to_dict()
        raise Mistake(f"{path}: two values of one epoch: {found}")
    return history


def _pictures(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a gallery's file, checked: their names, and as many cells in each."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Mistake(f"{path}: not a gallery: {error}") from None
    if set(arrays) not in _ARRAYS:
        raise Mistake(f"{path}: not a gallery: its arrays are {', '.join(sorted(arrays))}")
    cells = {len(values) for name, values in arrays.items() if name != "originals"}
    shown = [arrays[name] for name in (*_PICTURES, "originals") if name in arrays]
    if len(cells) > 1 or {(it.dtype.name, it.shape[-3:]) for it in shown} != {
        ("uint8", arrays["originals"].shape[-3:])
    }:
        raise Mistake(f"{path}: not a gallery: arrays of different cells or images")
    return arrays
