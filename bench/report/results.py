"""A table of records and what lies beside it: training curves, and pictures of trained cells."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from bench import history as histories
from bench import records as table
from bench.experiments import base
from bench.mistake import Mistake

__all__ = ["Results", "experiments", "read", "training"]

_PICTURES = ("samples", "reconstructions", "centres")
_ARRAYS = ({"dims", "originals", *_PICTURES, "use"}, {"dims", "originals", *_PICTURES[:2]})


@dataclass(frozen=True)
class Results:
    """What the report is made of.

    Attributes:
        records: the table; see `bench.records`.
        history: training curves, see `bench.history`; None where there are none.
        gallery: by data set and system the arrays of `bench.gallery.pictures`.
        experiments: see `bench.experiments.base`; None where there are none.
    """

    records: pd.DataFrame
    history: pd.DataFrame | None = None
    gallery: Mapping[tuple[str, str], Mapping[str, np.ndarray]] = field(default_factory=dict)
    experiments: pd.DataFrame | None = None


def read(path: str | Path) -> Results:
    """A table of records, with `history.csv`, `gallery/<dataset>/<system>.npz` and
    `experiments.csv` of its folder.

    Raises:
        Mistake: a file is not what its name says.
    """
    pictures = sorted(Path(path).parent.glob("gallery/*/*.npz"))
    return Results(
        table.read(path),
        training(path),
        {(file.parent.name, file.stem): _pictures(file) for file in pictures},
        experiments(path),
    )


def training(path: str | Path) -> pd.DataFrame | None:
    """The training curves beside a table of records, if there are any.

    Raises:
        Mistake: `history.csv` is not what its name says.
    """
    history = Path(path).with_name("history.csv")
    return histories.read(history) if history.exists() else None


def experiments(path: str | Path) -> pd.DataFrame | None:
    """The experiments beside a table of records, if there are any.

    Raises:
        Mistake: `experiments.csv` is not what its name says.
    """
    file = Path(path).with_name("experiments.csv")
    return base.read(file) if file.exists() else None


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
