"""The figures of each data set and experiment, as SVG and PNG."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from bench import published, store
from bench.report import (
    boxes,
    canvas,
    course,
    covariance,
    dots,
    epochs,
    experiments,
    masks,
    panels,
    sheets,
    snapshots,
    ucurve,
)
from bench.report.capacities import capacities
from bench.report.curves import Grid, grids
from bench.report.overview import only_dim
from bench.report.results import Results

__all__ = ["Drawn", "drawn", "of_experiments", "svg", "write"]


class Drawn(NamedTuple):
    """A figure: its kind, what it is of (a data set, or a data set and a system), and how."""

    kind: str
    of: str
    draw: Callable[[], Figure]

    @property
    def file(self) -> str:
        """The name of its SVG."""
        return f"{self.kind}-{self.of}.svg"


def write(results: Results, out: str | Path) -> None:
    """Write each data set's and experiment's figures, `<kind>-<of>.svg` and `.png`; see `drawn`.

    The same rows give the same bytes. A data set without a trained cell has no figure.

    Raises:
        Mistake: the records of one data set do not belong together; see `curves.grids`.
    """
    found = [one for grid in grids(results.records) for one in drawn(grid, results)]
    for one in found + of_experiments(results):
        path = Path(out) / one.file
        with canvas.paper():
            figure = one.draw()
            store.write_text(path, canvas.svg(figure))
            canvas.png(figure, path.with_suffix(".png"))


def drawn(grid: Grid, results: Results) -> list[Drawn]:
    """The figures that a data set has: of its records, and of what lies beside them."""
    name, labels = grid.dataset, grid.systems()
    if grid.untrained():
        return []
    # One dimension is a point, not a curve.
    kind, draw = ("ucurve", ucurve.draw) if only_dim(grid) is None else ("systems", dots.draw)
    found = [Drawn(kind, name, partial(draw, grid))]
    if snapshots.further(grid):
        found.append(Drawn("protocols", name, partial(panels.draw, grid)))
    gallery = {
        label: results.gallery[name, label]
        for label in labels
        if (name, label) in results.gallery and len(results.gallery[name, label]["dims"])
    }
    images = {label: arrays for label, arrays in gallery.items() if "samples" in arrays}
    if images:
        found.append(Drawn("samples", name, partial(sheets.samples, name, images)))
    for label, arrays in gallery.items():
        if "centres" in arrays:
            draw = partial(sheets.centres, f"{name}, {label}", arrays)
            found.append(Drawn("centres", f"{name}-{label}", draw))
    if all(covariance.shown(grid, gallery)):
        found.append(Drawn("covariance", name, partial(covariance.draw, grid, gallery)))
    for label, arrays in gallery.items():
        if boxes.line(arrays) is not None:
            draw = partial(boxes.draw, f"{name}, {label}", arrays)
            found.append(Drawn("labels", f"{name}-{label}", draw))
    if results.history is not None:
        history = results.history[results.history["dataset"] == name]
        history = history[history["system"].isin(labels)]
        for kind, shown, draw, metric in (
            ("training", epochs.trained, epochs.training, "nats"),
            ("contributions", epochs.contributes, epochs.contributions, "gradient_ratio"),
        ):
            if shown(history):
                marks = _marks(grid, metric)
                found.append(Drawn(kind, name, partial(draw, name, history, marks)))
        for label in labels:
            found += _over_training(grid, history, label)
    return found


def _over_training(grid: Grid, history: pd.DataFrame, label: str) -> list[Drawn]:
    """The figures of the course of one system's training."""
    name, found = grid.dataset, []
    dims = capacities(grid.curve(label).columns, grid.true_dim)
    told = [(m, masks.values(history, label, m, grid.seeds[0])) for m in dims]
    if told := [(m, one) for m, one in told if len(one)]:
        draw = partial(masks.draw, f"{name}, {label}", told)
        found.append(Drawn("masks", f"{name}-{label}", draw))
    if course.lines(grid, history, label):
        draw = partial(course.draw, grid, history, label)
        found.append(Drawn("course", f"{name}-{label}", draw))
    return found


def of_experiments(results: Results) -> list[Drawn]:
    """The figures of the experiments that have one, by name."""
    table = results.experiments
    names = [] if table is None else sorted(table["experiment"].unique())
    found = {name: experiments.figure(name, table) for name in names}
    return [Drawn("experiment", name, it) for name, it in found.items() if it]


def _marks(grid: Grid, metric: str) -> list[published.Mark]:
    """What sources print of a metric by epoch, of those whose systems a data set has all of: in
    another company a system is another one, of other nets and dimensions."""
    rows = published.read()
    rows = rows[(rows["dataset"] == grid.dataset) & (rows["metric"] == metric)]
    return [
        published.Mark(f"{row['system']}, published", row["epoch"], row["value"])
        for _, own in rows.groupby("paper")
        if all(_has(grid, row) for row in own.to_dict("records"))
        for row in own.to_dict("records")
    ]


def _has(grid: Grid, row: Mapping) -> bool:
    """Whether a data set has a system that a published number is of."""
    return any(
        pd.notna(row["base"])
        and grid.base(label) == row["base"]
        and published.matches(row["options"], grid.options(label))
        for label in grid.systems()
    )


def svg(draw: Callable[[], Figure]) -> str:
    """A figure as SVG."""
    with canvas.paper():
        return canvas.svg(draw())
