"""The values of a learned mask over training, a panel a latent dimension."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench import metrics
from bench.report import over_time
from bench.report.canvas import STYLES

__all__ = ["draw", "values"]

_THIN = {"linewidth": 0.9, "markersize": 2}
_KEPT = {"color": STYLES[0]["color"], "linestyle": "-", "marker": "o", **_THIN}
_CLOSED = {"color": STYLES[1]["color"], "linestyle": (0, (3, 1.5)), "marker": "s", **_THIN}
_THRESHOLD = {"color": "black", "linestyle": ":", "linewidth": 0.9}


def values(history: pd.DataFrame, label: str, dim: int, seed: int) -> pd.DataFrame:
    """The mask's values [coordinates, steps] of a cell, means over parts of training by their
    last step; without a row where it has no mask, or too few parts to make a curve."""
    rows = history[history["quantity"].str.match(r"mask\.\d+$")]
    rows = rows[(rows["system"] == label) & (rows["dim"] == dim) & (rows["seed"] == seed)]
    wide = rows.pivot(index="quantity", columns="step", values="value")
    return wide if wide.shape[1] >= over_time.FEWEST else wide[:0]


def draw(title: str, masks: Sequence[tuple[int, pd.DataFrame]]) -> Figure:
    """One panel for each latent dimension and its cell's `values`, at least one.

    Source: Mondal et al., MaskAAE: Latent space optimization for adversarial auto-encoders, 2020,
    figure 5.
    """
    figure, all_axes = over_time.panels(len(masks))
    for axes, (dim, mask) in zip(all_axes, masks, strict=True):
        kept = mask.iloc[:, -1] >= metrics.MASK_THRESHOLD
        every = max(1, mask.shape[1] // 8)
        # Those that close are on top: they are what the figure is about.
        for name in sorted(mask.index, key=lambda name: not kept[name]):
            look = _KEPT if kept[name] else _CLOSED
            place = {"markevery": every, "zorder": 2 if kept[name] else 3}
            axes.plot(mask.columns, mask.loc[name], **look, **place)
        axes.axhline(metrics.MASK_THRESHOLD, **_THRESHOLD, zorder=4)
        axes.set(ylim=(-0.02, 1.02), xlabel="training step")
        axes.set_title(f"$m$ = {dim}: {int(kept.sum())} kept")
        axes.spines["right"].set_visible(False)
        over_time.steps(axes)
    all_axes[0].set_ylabel("mask value")
    handles = [
        Line2D([], [], **_KEPT, label="kept at the end"),
        Line2D([], [], **_CLOSED, label="closed at the end"),
        Line2D([], [], **_THRESHOLD, label=f"threshold {metrics.MASK_THRESHOLD:g}"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    figure.suptitle(title, fontsize=8.5)
    return figure
