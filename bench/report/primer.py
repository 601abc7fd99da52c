"""The figure of the experiment `wasserstein`: couplings, the dual, and distributions apart."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bench.report.canvas import GREY, STYLES
from bench.report.text import number

__all__ = ["CAPTION", "QUANTITIES", "draw"]

_X, _Y = STYLES[1], STYLES[0]
_MEAN, _GAP = 0.5, 0.1  # of X ~ N(½, 1), with Y ~ N(0, 1); between the segments
_REACH = 3.4
_SHADES = LinearSegmentedColormap.from_list("shades", ["white", _Y["color"], "#00263d"])
QUANTITIES = (
    *("independent.cost", "shift.cost", "shift.distance", "sorted.distance", "identity.dual"),
    *("segments.shift", "segments.dual", "segments.assignment", "segments.kl.p", "segments.kl.q"),
)
CAPTION = (
    "The Wasserstein distance between X ~ N(½, 1) and Y ~ N(0, 1). First two: the density of the "
    "pair under two couplings (on the dashed line X = Y, which costs nothing), with the mean cost. "
    "Third: the dual; for f of slope at most 1, the gap between the means of f is a lower bound of "
    "W1, and that of f(x) = x meets the shift coupling's upper bound, ½ (densities not to scale). "
    "Last: two distributions without a common point; W1 is their distance, and KL is infinite."
)


def draw(rows: pd.DataFrame) -> Figure:
    """Four panels, whose numbers are the means of `QUANTITIES` over the experiment's rows."""
    value = rows.groupby("quantity")["value"].mean().astype(float)
    figure = Figure(figsize=(7.4, 2.5), layout="constrained")
    panels = figure.subplots(1, 4)
    _independent(panels[0], value)
    _shift(panels[1], value)
    _dual(panels[2], value)
    _segments(panels[3], value)
    for axes in panels:
        axes.set_box_aspect(1)
        axes.spines["right"].set_visible(False)
    return figure


def _independent(axes: Axes, value: pd.Series) -> None:
    at = np.linspace(-_REACH, _REACH, 81)
    density = _normal(at)[:, None] * _normal(at, _MEAN)[None]
    axes.contourf(at, at, density, levels=np.linspace(0.004, 0.16, 9), cmap=_SHADES)
    _plane(axes, "independent coupling", value["independent.cost"])


def _shift(axes: Axes, value: pd.Series) -> None:
    y = np.linspace(-_REACH, _REACH, 201)
    points = np.column_stack([y + _MEAN, y])
    shades = _SHADES(0.08 + 0.92 * _normal(y) / _normal(0))
    pieces = np.stack([points[:-1], points[1:]], 1)
    axes.add_collection(LineCollection(pieces, colors=shades[:-1], linewidths=3))
    _plane(axes, "shift coupling", value["shift.cost"])


def _plane(axes: Axes, title: str, cost: float) -> None:
    ends = [-_REACH, _REACH]
    axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=(0, (5, 3)))
    axes.set(xlim=ends, ylim=ends, xlabel="$X$", ylabel="$Y$")
    axes.set_xticks([-2, 0, 2])
    axes.set_yticks([-2, 0, 2])
    axes.set_title(f"{title}\nE$(X-Y)^2$ = {number(cost)}")


def _dual(axes: Axes, value: pd.Series) -> None:
    at = np.linspace(-_REACH, _REACH, 201)
    for mean, look, name in ((0.0, _Y, "Y"), (_MEAN, _X, "X")):
        density, line = _normal(at, mean), {"color": look["color"], "linestyle": look["linestyle"]}
        axes.fill_between(at, 4 * density, color=look["color"], alpha=0.15, linewidth=0)
        axes.plot(at, 4 * density, **line, label=f"density of ${name}$")
        axes.plot([mean] * 2, [0, mean], color="black", linewidth=0.6)
        axes.plot([-_REACH, mean], [mean] * 2, color="black", linewidth=0.6, linestyle=":")
    axes.plot(at, at, color="black", linewidth=1, label="$f(x) = x$")
    arrow = {"arrowstyle": "<->", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 5}
    axes.annotate("", (-2.7, _MEAN), (-2.7, 0), arrowprops=arrow)
    axes.annotate("gap", (-2.7, 0), (0, -3), textcoords="offset points", ha="center", va="top")
    axes.set(xlim=(-_REACH, _REACH), ylim=(-0.9, 3.1), xlabel="$x$", ylabel="$f$")
    axes.set_xticks([-2, 0, 2])
    axes.set_title(f"dual\nE$f(X)-$E$f(Y)$ = {number(value['identity.dual'])}")
    axes.legend(loc="upper left", handlelength=1.6, borderaxespad=0)


def _segments(axes: Axes, value: pd.Series) -> None:
    for place, look, name in ((0.0, _Y, "P"), (_GAP, _X, "Q")):
        line = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 2.2}
        axes.plot([place] * 2, [0, 1], **line)
        axes.annotate(f"${name}$", (place, 1), (0, 3), textcoords="offset points", ha="center")
    for height in np.linspace(0.1, 0.9, 5):
        arrow = {"arrowstyle": "->", "linewidth": 0.7, "color": GREY, "shrinkA": 3, "shrinkB": 3}
        axes.annotate("", (_GAP, height), (0, height), arrowprops=arrow)
    axes.set(xlim=(-0.06, _GAP + 0.06), ylim=(-0.08, 1.15))
    axes.set_xticks([0, _GAP], ["0", number(_GAP, 1)])
    axes.set_yticks([0, 1])
    pair = [value["segments.kl.p"], value["segments.kl.q"]]
    kl = r"$\infty$" if np.isinf(pair).all() else " and ".join(map(number, pair))
    axes.set_title(f"segments apart\n$W_1$ = {number(value['segments.dual'])}, KL = {kl}")


def _normal(at: np.ndarray, mean: float = 0.0) -> np.ndarray:
    """The density of N(mean, 1)."""
    # Half a second to import, for this figure alone.
    from scipy.stats import norm

    return norm.pdf(at, mean)
