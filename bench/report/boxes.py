"""Box plots of a one-dimensional code by label."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from bench.report.canvas import GREY, STYLES

__all__ = ["draw", "line"]


def line(arrays: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The quantiles by label [L, 5] of the code of the cell of one latent dimension, where a system
    of a data set with labels has one."""
    cells = np.flatnonzero(arrays["dims"] == 1)
    if "quantiles" not in arrays or not len(cells):
        return None
    return arrays["quantiles"][cells[0], 0]


def draw(title: str, arrays: Mapping[str, np.ndarray]) -> Figure:
    """The figure of a system of which `line` has quantiles: boxes from 25 to 75 % with the median,
    whiskers from 5 to 95 %."""
    names = ("whislo", "q1", "med", "q3", "whishi")
    boxes = [
        dict(zip(names, map(float, own), strict=True)) | {"label": str(label), "fliers": []}
        for label, own in zip(arrays["labels"], line(arrays), strict=True)
    ]
    figure = Figure(figsize=(3.5, 2.6), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=(0, (5, 3)), zorder=0)
    axes.bxp(
        boxes,
        showfliers=False,
        widths=0.6,
        patch_artist=True,
        boxprops={"facecolor": "#cfe3f1", "edgecolor": STYLES[0]["color"], "linewidth": 0.9},
        medianprops={"color": "black", "linewidth": 1.4},
        whiskerprops={"color": STYLES[0]["color"], "linewidth": 0.9},
        capprops={"color": STYLES[0]["color"], "linewidth": 0.9},
    )
    axes.spines["right"].set_visible(False)
    axes.set(xlabel="label", ylabel="code, one coordinate")
    axes.set_title(title)
    return figure
