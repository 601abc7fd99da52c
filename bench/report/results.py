"""A table of records and what lies beside it: training curves, and pictures of trained cells."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from bench import costs
from bench import environment as environments
from bench import history as histories
from bench import records as table
from bench.experiments import base
from bench.mistake import Mistake

__all__ = ["Results", "experiments", "read", "training"]

_PICTURES = ("samples", "reconstructions", "centres", "originals")
# A gallery has `dims` and some of these groups, each with all of its arrays, or with none.
_GROUPS = (
    {"samples", "reconstructions", "originals"},
    {"centres", "use"},
    {"correlation"},
    {"mask"},
    {"labels", "quantiles"},
)


@dataclass(frozen=True)
class Results:
    """What the report is made of.

    Attributes:
        records: the table; see `bench.records`.
        history: training curves, see `bench.history`; None where there are none.
        gallery: by data set and system the arrays of `bench.gallery.pictures`.
        environment: what the curves were trained with, see `bench.environment.read`; None where
            nobody recorded it.
        experiments: see `bench.experiments.base`; None where there are none.
        costs: what the jobs took, see `bench.costs`; None where nobody recorded it.
    """

    records: pd.DataFrame
    history: pd.DataFrame | None = None
    gallery: Mapping[tuple[str, str], Mapping[str, np.ndarray]] = field(default_factory=dict)
    environment: Mapping[str, Mapping[str, Mapping[str, int]]] | None = None
    experiments: pd.DataFrame | None = None
    costs: pd.DataFrame | None = None


def read(path: str | Path) -> Results:
    """A table of records, with what lies in its folder: `history.csv`, `environment.json`,
    `experiments.csv`, `costs.csv` and `gallery/<dataset>/<system>.npz`.

    Raises:
        Mistake: a file is not what its name says.
    """
    pictures = sorted(Path(path).parent.glob("gallery/*/*.npz"))
    environment, spent = (Path(path).with_name(it) for it in ("environment.json", "costs.csv"))
    return Results(
        table.read(path),
        training(path),
        {(file.parent.name, file.stem): _pictures(file) for file in pictures},
        environments.read(environment) if environment.exists() else None,
        experiments(path),
        costs.read(spent) if spent.exists() else None,
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
    found = {"dims"}.union(*(it for it in _GROUPS if it & arrays.keys()))
    needed = {"samples"} if "centres" in found else set()
    needed |= {"correlation"} if found & {"mask", "quantiles"} else set()
    if set(arrays) != found or len(found) == 1 or not needed <= found:
        raise Mistake(f"{path}: not a gallery: its arrays are {', '.join(sorted(arrays))}")
    cells = {len(it) for name, it in arrays.items() if name not in ("originals", "labels")}
    shown = {(it.dtype.name, it.shape[-3:]) for name, it in arrays.items() if name in _PICTURES}
    pictured = {("uint8", arrays["originals"].shape[-3:])} if "originals" in arrays else set()
    if len(cells) > 1 or shown != pictured:
        raise Mistake(f"{path}: not a gallery: arrays of different cells or images")
    width, count = arrays["dims"].max(initial=0), len(arrays.get("labels", ()))
    shapes = {"correlation": (width, width), "mask": (width,), "quantiles": (width, count, 5)}
    for name in shapes.keys() & arrays.keys():
        if (arrays[name].dtype, arrays[name].shape[1:]) != (np.float32, shapes[name]):
            raise Mistake(f"{path}: not a gallery: {name} is not of its latent dimensions")
    return arrays
