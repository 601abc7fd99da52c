"""The distances under each protocol: one small panel a system, one line a protocol."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.canvas import STYLES, mark_n, scale, span, titled
from bench.report.curves import Grid
from bench.report.snapshots import further

__all__ = ["draw"]

_COLUMNS = 3


def draw(grid: Grid) -> Figure:
    """The figure of one data set with further protocols, two columns wide."""
    every = (grid, *further(grid))
    labels = [label for label in grid.systems() if not grid.untrained(label)]
    columns = min(_COLUMNS, len(labels))
    rows = -(-len(labels) // columns)
    figure = Figure(figsize=(0.4 + 2.2 * columns, 0.8 + 1.7 * rows), layout="constrained")
    all_axes = figure.subplots(rows, columns, squeeze=False).ravel()
    dims = sorted({int(m) for one in every for label in one.systems() for m in one.curve(label)})
    for i, (axes, label) in enumerate(zip(all_axes, labels, strict=False)):
        _panel(axes, every, label)
        axes.set_title(label)
        span(axes, dims, ticks=6)
        # Only where no panel is below.
        axes.set_xlabel("latent dimension $m$" if i + columns >= len(labels) else "")
    for axes in all_axes[len(labels) :]:
        axes.remove()
    cautions = sorted({text for one in every for text in one.cautions()})
    figure.suptitle(titled(grid.dataset, cautions, 40 * columns), fontsize=8.5)
    figure.supylabel("Fréchet distance", fontsize=8)
    handles = {
        line.get_label(): line
        for axes in all_axes[: len(labels)]
        for line in axes.get_legend_handles_labels()[0]
    }
    figure.legend(handles=[*handles.values()], loc="outside lower center", ncols=4)
    return figure


def _panel(axes: Axes, every: tuple[Grid, ...], label: str) -> None:
    means = []
    for i, one in enumerate(every):
        if label in one.systems():
            look = {**STYLES[i % len(STYLES)], "markersize": 3.2, "markeredgewidth": 0.8}
            # Main is broad, so that a line upon it does not hide it.
            look["linewidth"] = 1 if i else 2.2
            curve = one.curve(label).mean().dropna()
            means.append(curve)
            axes.plot(curve.index, curve, **look, markerfacecolor="white", label=one.name)
            if not curve.empty:
                # The smallest mean stands out by a filled marker, also in grey.
                look["markersize"] = 4.4
                axes.plot([curve.idxmin()], [curve.min()], **look, zorder=4)
    scale(axes, np.concatenate(means))
    mark_n(axes, every[0])
    axes.spines["right"].set_visible(False)
