"""The U-curve of a data set: Fréchet distance and discovered dimensions by latent dimension."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.report.canvas import GREY, STYLES, mark_n, scale, span, titled
from bench.report.curves import CONTROLS, Grid
from bench.report.statistics import interval
from bench.report.text import number

__all__ = ["draw"]


_LONG = 12
"""Letters of a masked system's label, above which two columns of the legend are too wide."""


def draw(grid: Grid) -> Figure:
    """The figure of one data set, one column wide."""
    labels = [label for label in grid.systems() if not grid.untrained(label)]
    labels.sort(key=lambda label: (grid.base(label) == "pca", label))
    drawn = [label for label in labels if grid.base(label) != "pca"]
    masked = [label for label in drawn if _masked(grid, label)]
    dims = {int(m) for label in labels for m in grid.curve(label)}
    size = 2.6 if len(dims) > 12 else 3.8
    looks = {
        label: {**STYLES[i % len(STYLES)], "markersize": size} for i, label in enumerate(drawn)
    }
    # The legend is below, and the axes are as high with a long one as with a short one.
    columns = 1 if max(map(len, masked), default=0) > _LONG else 2
    lines = -(-(len(labels) + len(masked)) // columns)
    figure = Figure(figsize=(3.5, 2.75 + 0.15 * lines), layout="constrained")
    axes = figure.add_subplot()
    _distances(axes, grid)
    for label in labels:
        look = looks.get(label, {"color": GREY, "linestyle": "-", "linewidth": 0.7})
        _line(axes, grid.curve(label), look, label, band=label in looks)
    if masked:
        right = axes.twinx()
        for label in masked:
            _counts(right, grid.curve(label, "discovered_mask"), looks[label], label)
        top = max(int(grid.curve(label).columns.max()) for label in masked)
        right.set(ylim=(0, max(1, top) * 1.02), ylabel="dimensions kept by the mask")
        right.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_zorder(right.get_zorder() + 1)
        axes.patch.set_visible(False)
    else:
        axes.spines["right"].set_visible(False)
    axes.set_title(titled(grid.dataset, grid.cautions()))
    figure.legend(loc="outside lower center", ncols=columns, columnspacing=1.4)
    return figure


def _masked(grid: Grid, label: str) -> bool:
    return bool(grid.curve(label, "discovered_mask").notna().any(axis=None))


def _line(axes: Axes, curve: pd.DataFrame, look: dict, label: str, band: bool) -> None:
    curve = curve.dropna(axis=1, how="all")
    means = {m: interval(curve[m]) for m in curve}
    dims = np.array(list(means))
    if not band:
        axes.plot(dims, [one.mean for one in means.values()], **look, label=label, zorder=2)
        return
    axes.plot(dims, [one.mean for one in means.values()], **look, label=label, zorder=4)
    # Where a single seed is left there is no interval, and the band has a gap.
    low, high = (
        np.array([getattr(one, end) for one in means.values()], float) for end in ("low", "high")
    )
    if axes.get_yscale() == "log":
        # A logarithm of a band's end below 0 would take the band away.
        low = np.maximum(low, axes.get_ylim()[0])
    axes.fill_between(dims, low, high, color=look["color"], alpha=0.18, linewidth=0, zorder=1)
    for seed in curve.index:
        axes.plot(
            dims,
            curve.loc[seed],
            ".",
            color=look["color"],
            alpha=0.5,
            markersize=3,
            zorder=3,
            markeredgewidth=0,
        )


def _counts(axes: Axes, counts: pd.DataFrame, look: dict, label: str) -> None:
    means = counts.mean().dropna()
    axes.plot(
        means.index,
        means,
        color=look["color"],
        marker=look["marker"],
        markersize=look["markersize"],
        markerfacecolor="white",
        linestyle=(0, (1, 1.2)),
        linewidth=1,
        label=f"{label}: dimensions kept",
    )


def _distances(axes: Axes, grid: Grid) -> None:
    values = np.concatenate([grid.curve(label).to_numpy().ravel() for label in grid.systems()])
    dims = sorted({int(m) for label in grid.systems() for m in grid.curve(label)})
    axes.set(xlabel="latent dimension $m$", ylabel="Fréchet distance")
    span(axes, dims)
    scale(axes, values)
    mark_n(axes, grid)
    _controls(axes, grid)


def _controls(axes: Axes, grid: Grid) -> None:
    """The controls as lines; one that would squash the curves as words at the edge."""
    low, high = axes.get_ylim()
    for name, words in CONTROLS.items():
        if (one := grid.control(name)) is None:
            continue
        words = f"{words} {number(one.mean)}"
        inside = low <= one.mean <= high
        at = (1, one.mean) if inside else (1, 0 if one.mean < low else 1)
        if inside:
            axes.axhline(one.mean, color=GREY, linewidth=0.7, linestyle=":", zorder=0)
        else:
            words = f"{'↓' if one.mean < low else '↑'} {words}"
        axes.annotate(
            words,
            at,
            (-3, 2 if at[1] != 1 or inside else -2),
            xycoords=("axes fraction", "data" if inside else "axes fraction"),
            textcoords="offset points",
            ha="right",
            color="#404040",
            fontsize=6.5,
            va="top" if not inside and at[1] == 1 else "bottom",
        )
