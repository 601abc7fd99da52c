"""The U-curve of each data set: Fréchet distance and discovered dimensions by latent dimension."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from bench import store
from bench.report.curves import CONTROLS, Grid, grids
from bench.report.statistics import interval
from bench.report.text import number

__all__ = ["draw", "svg", "write"]

# Okabe and Ito's colours for colour-blind readers, less yellow; markers and lines tell in grey.
_STYLES = [
    {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    {"color": "#009E73", "marker": "^", "linestyle": "-."},
    {"color": "#CC79A7", "marker": "D", "linestyle": (0, (4, 1, 1, 1, 1, 1))},
    {"color": "#56B4E9", "marker": "v", "linestyle": (0, (6, 2))},
    {"color": "#E69F00", "marker": "P", "linestyle": ":"},
    {"color": "#000000", "marker": "X", "linestyle": (0, (2, 1))},
]
_GREY = "#767676"


def write(records: pd.DataFrame, out: str | Path) -> None:
    """Write `ucurve-<dataset>.svg` and `.png` for each data set; the same bytes for the same rows.

    Raises:
        Mistake: the records of one data set do not belong together; see `curves.grids`.
    """
    for grid in grids(records):
        path = Path(out) / f"ucurve-{grid.dataset}"
        store.write_text(path.with_name(f"{path.name}.svg"), svg(grid))
        with _style(), store.atomic(path.with_name(f"{path.name}.png")) as temporary:
            draw(grid).savefig(temporary, format="png", dpi=200, metadata={"Software": None})


def svg(grid: Grid) -> str:
    """The figure of one data set as SVG, its letters as paths."""
    text = io.StringIO()
    metadata = dict.fromkeys(["Date", "Creator", "Format", "Type"])
    with _style():
        draw(grid).savefig(text, format="svg", metadata=metadata)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _style():
    return style.context(["default", Path(__file__).with_name("paper.mplstyle")])


def draw(grid: Grid) -> Figure:
    """The figure of one data set, one column wide."""
    labels = sorted(grid.systems(), key=lambda label: (grid.base(label) == "pca", label))
    drawn = [label for label in labels if grid.base(label) != "pca"]
    masked = [label for label in drawn if _masked(grid, label)]
    dims = {int(m) for label in labels for m in grid.curve(label)}
    size = 2.6 if len(dims) > 12 else 3.8
    looks = {
        label: {**_STYLES[i % len(_STYLES)], "markersize": size} for i, label in enumerate(drawn)
    }
    # The legend is below, and the axes are as high with a long one as with a short one.
    figure = Figure(
        figsize=(3.5, 2.75 + 0.15 * -(-(len(labels) + len(masked)) // 2)), layout="constrained"
    )
    axes = figure.add_subplot()
    _distances(axes, grid)
    for label in labels:
        look = looks.get(label, {"color": _GREY, "linestyle": "-", "linewidth": 0.7})
        _line(axes, grid.curve(label), look, label, band=label in looks)
    if masked:
        right = axes.twinx()
        for label in masked:
            _counts(right, grid.curve(label, "discovered_mask"), looks[label], label)
        top = max(int(grid.curve(label).columns.max()) for label in masked)
        right.set(ylim=(0, top * 1.02), ylabel="dimensions kept by the mask")
        right.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_zorder(right.get_zorder() + 1)
        axes.patch.set_visible(False)
    else:
        axes.spines["right"].set_visible(False)
    axes.set_title(grid.dataset)
    figure.legend(loc="outside lower center", ncols=2, columnspacing=1.4)
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
    values = values[np.isfinite(values)]
    dims = sorted({int(m) for label in grid.systems() for m in grid.curve(label)})
    axes.set(xlabel="latent dimension $m$", ylabel="Fréchet distance")
    axes.set_xlim(min(dims) - 0.03 * max(dims), max(dims) * 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if values.size and values.min() > 0 and values.max() > 20 * values.min():
        axes.set_yscale("log")
        axes.set_ylim(values.min() / 1.5, values.max() * 1.5)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 1)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    elif values.size:
        axes.set_ylim(0, values.max() * 1.1)
    if grid.true_dim is not None:
        axes.axvline(grid.true_dim, color=_GREY, linewidth=0.8, linestyle=(0, (5, 3)), zorder=0)
        axes.annotate(
            f"$n$ = {grid.true_dim}",
            (grid.true_dim, 1),
            (3, -2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            va="top",
            color="#404040",
        )
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
            axes.axhline(one.mean, color=_GREY, linewidth=0.7, linestyle=":", zorder=0)
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
