"""Matrices of the codes' normalised absolute covariance: plain systems beside masked ones."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench import metrics
from bench.report.capacities import capacities
from bench.report.curves import Grid
from bench.report.text import number

__all__ = ["draw", "shown"]

Gallery = Mapping[str, Mapping[str, np.ndarray]]

_MASKED = ("mask-aae",)
_PLAIN = ("aae", "wae-gan", "wae-mmd")  # its rivals without a mask, the nearest first
_SIZE = 1.55  # inches across a matrix
_GREYS = PowerNorm(0.5, 0, 1)  # correlations of some hundredths are to be seen
_TICKS = (0, 0.01, 0.05, 0.2, 0.5, 1)
_CLOSED = {"hatch": "//////", "facecolor": "#dddddd", "edgecolor": "#8a8a8a", "linewidth": 0}


def shown(grid: Grid, gallery: Gallery) -> tuple[list[str], list[int]]:
    """The labels (columns) and latent dimensions (rows) of the figure; none where no cell of
    MaskAAE told of its codes.

    Beside MaskAAE are the systems of the first of `_PLAIN` there is. Of the dimensions above 1 that
    MaskAAE has, see `capacities`.
    """
    known = [label for label in gallery if "correlation" in gallery[label]]
    masked = [it for it in known if grid.base(it) in _MASKED and "mask" in gallery[it]]
    plain = ([it for it in known if grid.base(it) == base] for base in _PLAIN)
    dims = {int(m) for label in masked for m in gallery[label]["dims"] if m > 1}
    return ([*next(filter(None, plain), []), *masked], capacities(dims, grid.true_dim))


def draw(grid: Grid, gallery: Gallery) -> Figure:
    """One matrix a system and latent dimension of `shown`: white for 0, black for 1, and between
    them darker with the square root.

    Coordinates are in the order of their mask's values, the largest first, and else in their own;
    those that a mask closes, or that are constant, are hatched in place of their values.

    Source: Mondal et al., MaskAAE: Latent space optimization for adversarial auto-encoders, 2020,
    figures 10 to 13.
    """
    labels, dims = shown(grid, gallery)
    size = (0.9 + _SIZE * len(labels), 0.45 + (_SIZE + 0.3) * len(dims))
    figure = Figure(figsize=size, layout="constrained")
    all_axes = figure.subplots(len(dims), len(labels), squeeze=False)
    for row, m in zip(all_axes, dims, strict=True):
        for axes, label in zip(row, labels, strict=True):
            picture = _panel(axes, gallery[label], m)
            head = f"{label}\n" if m == dims[0] else ""
            axes.set_title(f"{head}{axes.get_title()}", fontsize=7)
        row[0].set_ylabel(f"$m$ = {m}")
    bar = figure.colorbar(picture, ax=all_axes, shrink=0.9 / len(dims), aspect=18)
    bar.set_ticks(_TICKS, labels=[f"{it:g}" for it in _TICKS])
    bar.set_label(r"$|C_{ij}|\,/\,\sqrt{C_{ii}\,C_{jj}}$")
    bar.outline.set_linewidth(0.6)
    figure.suptitle(grid.dataset, fontsize=8.5)
    return figure


def _panel(axes: Axes, arrays: Mapping[str, np.ndarray], m: int):
    cells = np.flatnonzero(arrays["dims"] == m)
    matrix, told = np.full((m, m), np.nan, np.float32), "no cell"
    if len(cells):
        matrix = arrays["correlation"][cells[0], :m, :m].copy()
        told = ""
        if "mask" in arrays:
            mask = arrays["mask"][cells[0], :m]
            order = np.argsort(-mask, kind="stable")
            matrix = matrix[np.ix_(order, order)]
            closed = mask[order] < metrics.MASK_THRESHOLD
            matrix[closed] = matrix[:, closed] = np.nan
            told = f"{m - int(closed.sum())} kept, "
        one = metrics.mean_correlation(matrix)
        told += "no NAC" if one is None else f"NAC {number(one, 2)}"
    axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, zorder=0, **_CLOSED))
    picture = axes.imshow(matrix, cmap="Greys", norm=_GREYS, interpolation="none", zorder=1)
    axes.set_title(told)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    return picture
