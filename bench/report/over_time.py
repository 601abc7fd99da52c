"""What training told, as lines over time: means over seeds with bands, in panels."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from bench.report.canvas import STYLES

__all__ = ["FEWEST", "Lines", "line", "lines", "look", "panels", "steps"]

FEWEST = 3  # points in time that make a curve
_COLUMNS = 3

Lines = dict[tuple[str, int], pd.DataFrame]
"""By label and latent dimension: values [seeds, times], NaN where there is none."""


def lines(history: pd.DataFrame, quantity: str, largest: int, time: str = "epoch") -> Lines:
    """A quantity of each label and latent dimension (so many, the largest) with times enough.

    Arguments:
        history: a data set's rows of the table of `Results`.
        time: the column that tells it, `epoch` or `step`.
    """
    rows = history[history["quantity"] == quantity]
    wide = rows.pivot(index=["system", "dim", "seed"], columns=time, values="value")
    found = {}
    for label, own in wide.groupby(level="system"):
        for dim in sorted(own.index.unique("dim"))[-largest:]:
            one = own.xs((label, dim), level=("system", "dim")).dropna(axis=1, how="all")
            if one.shape[1] >= FEWEST:
                found[str(label), int(dim)] = one
    return found


def look(i: int) -> dict:
    """The i-th line's look; beyond the styles there are, the same with open markers."""
    more = {"markerfacecolor": "white"} if i // len(STYLES) % 2 else {}
    return STYLES[i % len(STYLES)] | {"markersize": 3.2, "linewidth": 1.1} | more


def line(axes: Axes, one: pd.DataFrame, name: str, look: dict) -> None:
    """The mean over seeds of values [seeds, times], and a band from the smallest to the largest."""
    times = one.columns.to_numpy()
    every = max(1, len(times) // 8)
    axes.plot(times, one.mean(), **look, markevery=every, label=name, zorder=3)
    band = {"color": look["color"], "alpha": 0.18, "linewidth": 0, "zorder": 1}
    axes.fill_between(times, one.min(), one.max(), **band)


def panels(count: int, columns: int = _COLUMNS) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, row by row."""
    columns = min(count, columns)
    rows = -(-count // columns)
    size = (3.5 if columns == 1 else 2.6 * columns, 0.4 + 2.8 * rows)
    figure = Figure(figsize=size, layout="constrained")
    all_axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in all_axes[count:]:
        axes.remove()
    return figure, list(all_axes[:count])


def steps(axes: Axes) -> None:
    """An x axis of training steps from 0, with few numbers."""
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
