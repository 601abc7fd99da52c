"""The figures of each data set, as SVG and PNG."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from bench import store
from bench.report import canvas, dots, panels, ucurve
from bench.report.curves import Grid, grids
from bench.report.overview import only_dim

__all__ = ["drawn", "svg", "write"]


def write(records: pd.DataFrame, out: str | Path) -> None:
    """Write each data set's figures, `<kind>-<dataset>.svg` and `.png`; the kinds are `drawn`'s.

    The same rows give the same bytes. A data set without a trained cell has no figure.

    Raises:
        Mistake: the records of one data set do not belong together; see `curves.grids`.
    """
    for grid in grids(records):
        for kind, draw in drawn(grid).items():
            path = Path(out) / f"{kind}-{grid.dataset}"
            store.write_text(path.with_name(f"{path.name}.svg"), svg(draw, grid))
            with canvas.paper():
                canvas.png(draw(grid), path.with_name(f"{path.name}.png"))


def drawn(grid: Grid) -> dict[str, Callable[[Grid], Figure]]:
    """The kinds of figures that a data set has, and what draws them."""
    if grid.untrained():
        return {}
    # One dimension is a point, not a curve.
    whole = {"ucurve": ucurve.draw} if only_dim(grid) is None else {"systems": dots.draw}
    return whole | ({"protocols": panels.draw} if grid.others else {})


def svg(draw: Callable[[Grid], Figure], grid: Grid) -> str:
    """A figure of a data set as SVG."""
    with canvas.paper():
        return canvas.svg(draw(grid))
