"""The dot plot of a data set of one latent dimension: each system's Fréchet distance."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.canvas import GREY, STYLES, scale, titled
from bench.report.curves import CONTROLS, Grid
from bench.report.overview import only_dim
from bench.report.statistics import Interval, interval
from bench.report.text import number, plus_minus

__all__ = ["draw"]


def draw(grid: Grid) -> Figure:
    """The figure of one data set, wider than a column: smallest mean distance on top."""
    m = only_dim(grid)
    runs = {label: grid.curve(label)[m] for label in grid.systems() if not grid.untrained(label)}
    # Systems without a distance come last.
    order = sorted(runs, key=lambda label: (np.nan_to_num(runs[label].mean(), nan=np.inf), label))
    figure = Figure(figsize=(5.2, 0.75 + 0.155 * len(order)), layout="constrained")
    axes = figure.add_subplot()
    means = {label: interval(runs[label]) for label in order}
    highs = [one.high for one in means.values() if one and one.high is not None]
    scale(axes, np.concatenate([*runs.values(), highs]), along="x")
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_yticks(range(len(order)), order)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.5)
    axes.set_axisbelow(True)
    for place, label in enumerate(order):
        _system(axes, place, runs[label])
    right = axes.twinx()
    right.set_ylim(axes.get_ylim())
    texts = [_text(grid, label, one) for label, one in means.items()]
    right.set_yticks(range(len(order)), texts)
    right.tick_params(axis="y", length=0)
    for one in (axes, right):
        one.spines[["left", "right"]].set_visible(False)
    axes.set_title(titled(f"{grid.dataset}, $m$ = {m}", grid.cautions(), 80))
    axes.set_xlabel("\n".join(filter(None, ["Fréchet distance", _controls(axes, grid)])))
    return figure


def _system(axes: Axes, place: int, values: pd.Series) -> None:
    color, left = STYLES[0]["color"], axes.get_xlim()[0]
    if (one := interval(values)) is None:
        return
    if one.low is not None:
        # A logarithm of an end below 0 would take the bar away.
        axes.plot([max(one.low, left), one.high], [place] * 2, color=color, linewidth=1)
    seeds = values.dropna()
    axes.plot(seeds, [place] * len(seeds), "|", color=color, markersize=4, markeredgewidth=0.6)
    axes.plot([one.mean], [place], "o", color=color, markersize=3.8)


def _text(grid: Grid, label: str, one: Interval | None) -> str:
    reasons = [failure.reason for failure in grid.failures(label)]
    failed = [
        f"{reason} {reasons.count(reason)}/{len(grid.seeds)}" for reason in dict.fromkeys(reasons)
    ]
    return ", ".join([*([plus_minus(one)] if one else []), *failed])


def _controls(axes: Axes, grid: Grid) -> str:
    """The controls as lines; one that would squash the systems in words, which are returned."""
    (low, high), outside = axes.get_xlim(), []
    for name, words in CONTROLS.items():
        if (one := grid.control(name)) is None:
            continue
        words = f"{words} {number(one.mean)}"
        if not low <= one.mean <= high:
            outside.append(f"← {words}" if one.mean < low else f"{words} →")
            continue
        axes.axvline(one.mean, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
        axes.annotate(
            words,
            (one.mean, 0),
            (2, 2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color="#404040",
            fontsize=6.5,
        )
    return "   ".join(outside)
