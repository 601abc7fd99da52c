"""The figure of the experiment `mmd`: its estimates by batch size, and of several channels."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from bench.report.canvas import GREY, STYLES
from bench.report.statistics import interval
from bench.report.text import number

__all__ = ["CAPTION", "QUANTITIES", "draw"]

_READINGS = {
    "flat": "flattened",
    "each": "sum of the\nchannels' MMDs",
    "summed": "MMD of the\nchannels' sum",
}
_CODES = {"independent": "the prior's distribution", "copies": "copies of one channel"}
QUANTITIES = (
    *("match.mean", "match.deviation", "match.negative", "match.biased", "shift.mean"),
    "shift.true",
    *(f"{reading}.{codes}" for reading in _READINGS for codes in _CODES),
)
CAPTION = (
    "The squared MMD's estimator. Left: its mean by batch size between two samples of one normal "
    "(band: ± one standard deviation of a single estimate) and between a shifted normal and the "
    "normal (dotted: the true value), and the mean of the V-statistic between two samples of one "
    "normal. Middle: the share of negative estimates between two samples of one normal. Right: "
    "codes of four channels; an estimate that behaves is 0 for codes of the prior's distribution "
    "(circles) and above 0 for copies of one channel (squares); logarithmic beyond 0.1. "
    "All are means over seeds; bars are 95 % t intervals."
)


def draw(rows: pd.DataFrame) -> Figure:
    """Three panels, from the rows of the experiment, which have all `QUANTITIES`."""
    figure = Figure(figsize=(7.2, 2.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.15, 0.9, 1])
    runs = dict(list(rows.groupby("quantity")))
    means = {name: runs[name].groupby("setting")["value"].mean().astype(float) for name in runs}
    _estimates(left, means, float(runs["shift.true"]["value"].mean()))
    _negatives(middle, runs["match.negative"])
    _channels(right, runs)
    for axes in (left, middle):
        batches = [int(it) for it in means["match.mean"].index]
        axes.set_xscale("log", base=2)
        axes.set_xticks(batches, batches)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("batch size $N$")
    for axes in figure.axes:
        axes.spines["right"].set_visible(False)
    return figure


def _estimates(axes: Axes, means: dict[str, pd.Series], true: float) -> None:
    lines = {
        "match.biased": "V-statistic, one normal",
        "shift.mean": "estimate, shifted normal",
        "match.mean": "estimate, one normal",
    }
    mean, deviation = means["match.mean"], means["match.deviation"]
    look = dict(zip(lines, (STYLES[1], STYLES[2], STYLES[0]), strict=True))
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axes.axhline(true, color="black", linewidth=0.8, linestyle=":", zorder=4)
    band = {"color": STYLES[0]["color"], "alpha": 0.22, "linewidth": 0, "zorder": 1}
    axes.fill_between(mean.index.astype(float), mean - deviation, mean + deviation, **band)
    for name, label in lines.items():
        axes.plot(means[name].index.astype(float), means[name], **look[name], label=label)
    axes.set_ylabel("squared MMD")
    axes.legend(loc="upper right")


def _negatives(axes: Axes, rows: pd.DataFrame) -> None:
    for batch, own in rows.groupby("setting"):
        _point(axes, own, float(batch), STYLES[0] | {"linestyle": ""}, upright=True)
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=(0, (5, 3)), zorder=0)
    axes.set(ylim=(0, 1), ylabel="share of negative estimates")


def _channels(axes: Axes, runs: dict[str, pd.DataFrame]) -> None:
    looks = (STYLES[0] | {"markerfacecolor": "white"}, STYLES[1])
    for (codes, label), look, up in zip(_CODES.items(), looks, (-0.14, 0.14), strict=True):
        for place, reading in enumerate(_READINGS):
            own = runs[f"{reading}.{codes}"]
            told = label if not place else None
            _point(axes, own, place + up, look | {"linestyle": ""}, label=told)
            mean = float(own["value"].mean())
            # The nearest to 0 differ from it by chance only.
            text = "0" if abs(mean) < 5e-3 else number(mean, 2)
            at, gap = (mean, place + up), (5, 0)
            axes.annotate(text, at, gap, textcoords="offset points", va="center")
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    axes.set_xscale("symlog", linthresh=0.1, linscale=1)
    axes.set_xlim(-0.03, 6)
    axes.set_xticks([0, 0.05, 0.1, 1], ["0", "0.05", "0.1", "1"])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(range(len(_READINGS)), _READINGS.values())
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(2.5, -1.1), xlabel="mean estimate, 4 channels")
    axes.legend(loc="upper right", handlelength=1)


def _point(
    axes: Axes,
    rows: pd.DataFrame,
    at: float,
    look: dict,
    upright: bool = False,
    label: str | None = None,
) -> None:
    """A mean over seeds and its interval."""
    one = interval(rows.set_index("seed")["value"])
    half = one.half_width or 0.0
    place = {"x": [at], "y": [one.mean]} if upright else {"x": [one.mean], "y": [at]}
    bar = {"yerr" if upright else "xerr": [half]}
    axes.errorbar(**place, **bar, **look, label=label, elinewidth=0.8, capsize=2)
