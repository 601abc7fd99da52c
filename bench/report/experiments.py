"""What the report shows of experiments: a figure and a table of each."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bench.report import estimator, primer
from bench.report.claims.quantities import called
from bench.report.statistics import interval
from bench.report.text import bracket, number

__all__ = ["caption", "figure", "tabled"]

_FIGURES = {"mmd": estimator, "wasserstein": primer}


def caption(name: str) -> str:
    """What an experiment's figure shows; empty where it has none."""
    return _FIGURES[name].CAPTION if name in _FIGURES else ""


def figure(name: str, table: pd.DataFrame) -> Callable[[], Figure] | None:
    """How an experiment's figure is drawn; None where it has none, or too few quantities for it.

    Arguments:
        table: with the columns of `bench.experiments.base`, of any experiments.
    """
    rows = table[table["experiment"] == name]
    module = _FIGURES.get(name)
    if module is None or not {*module.QUANTITIES} <= {*rows["quantity"]}:
        return None
    return partial(module.draw, rows)


def tabled(name: str, table: pd.DataFrame) -> dict:
    """An experiment's numbers for a table: its `seeds`, and `rows` by quantity and setting.

    Each row has `quantity` and the same in `words`, `setting` (None where there is none), `mean`,
    `interval` (empty where there is none) and `values`, texts by seed.
    """
    own = table[table["experiment"] == name]
    rows = []
    for (quantity, setting), found in own.groupby(["quantity", "setting"], dropna=False):
        values = found.set_index("seed")["value"].astype(float)
        one, finite = interval(values), np.isfinite(values).all()
        rows.append(
            {
                "quantity": quantity,
                "words": called(quantity),
                "setting": None if pd.isna(setting) else int(setting),
                "mean": number(one.mean, 4),
                "interval": bracket(one) if finite and one.low is not None else "",
                "values": {int(seed): number(value, 4) for seed, value in values.items()},
            }
        )
    return {"name": name, "seeds": sorted(int(it) for it in own["seed"].unique()), "rows": rows}
