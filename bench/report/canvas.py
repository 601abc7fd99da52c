"""The look that all figures share: style, axes, and the same bytes every time."""

import hashlib
import io
import re
import textwrap
from collections.abc import Collection
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from bench import store
from bench.report.curves import Grid
from bench.report.text import marks, number

__all__ = ["GREY", "STYLES", "mark_n", "paper", "png", "scale", "span", "svg", "titled"]

# Okabe and Ito's colours for colour-blind readers, less yellow; markers and lines tell in grey.
STYLES = [
    {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    {"color": "#009E73", "marker": "^", "linestyle": "-."},
    {"color": "#CC79A7", "marker": "D", "linestyle": (0, (4, 1, 1, 1, 1, 1))},
    {"color": "#56B4E9", "marker": "v", "linestyle": (0, (6, 2))},
    {"color": "#E69F00", "marker": "P", "linestyle": ":"},
    {"color": "#000000", "marker": "X", "linestyle": (0, (2, 1))},
]
GREY = "#767676"


def paper():
    """The style, as a context to draw and to save in."""
    return style.context(["default", Path(__file__).with_name("paper.mplstyle")])


def svg(figure: Figure) -> str:
    """A figure as SVG, its letters as paths; to be called in the context of `paper`.

    Coordinates have four decimals, and what is used by name is named by its own text, so that the
    last bits of an arithmetic, which machines do not share, are not seen.
    """
    text = io.StringIO()
    metadata = dict.fromkeys(["Date", "Creator", "Format", "Type"])
    figure.savefig(text, format="svg", metadata=metadata)
    # Laid out once: what is saved of it after this has the same places, and needs no trial drawing.
    figure.set_layout_engine(None)
    lines = "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
    short = re.sub(r"-?\d+\.\d{5,}", lambda it: _short(float(it[0])), lines)
    named = dict(re.findall(r'id="(\w*[0-9a-f]{10})"(.*?)/>', short, re.DOTALL))
    for i, (name, rest) in enumerate(named.items()):
        digest = hashlib.sha256(f"{i} {rest}".encode()).hexdigest()
        short = short.replace(name, f"{name[:-10]}{digest[:10]}")
    return short


def _short(value: float) -> str:
    return f"{round(value, 4) + 0.0:.4f}".rstrip("0").rstrip(".")  # + 0.0: no minus zero


def png(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG; to be called in the context of `paper`."""
    with store.atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=200, metadata={"Software": None})


def span(axes: Axes, dims: list[int], ticks: int = 8) -> None:
    """An axis of latent dimensions."""
    margin = 0.03 * max(1, *dims)
    axes.set_xlim(min(dims) - margin, max(dims) + margin)
    axes.xaxis.set_major_locator(MaxNLocator(ticks, integer=True))


def scale(axes: Axes, values: np.ndarray, along: str = "y") -> None:
    """An axis of distances, x or y: logarithmic where they span more than a factor of 20."""
    values = values[np.isfinite(values)]
    axis = {"x": axes.xaxis, "y": axes.yaxis}[along]
    if values.size and values.min() > 0 and values.max() > 20 * values.min():
        axes.set(**{f"{along}scale": "log"})
        axes.set(**{f"{along}lim": (values.min() / 1.5, values.max() * 1.5)})
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 1)))
        axis.set_minor_formatter(NullFormatter())
    elif values.size:
        axes.set(**{f"{along}lim": (0, values.max() * 1.1)})


def mark_n(axes: Axes, grid: Grid) -> None:
    """A line at the data's true dimension, where it is known and among those shown."""
    low, high = axes.get_xlim()
    if grid.true_dim is None or not low <= grid.true_dim <= high:
        return
    axes.axvline(grid.true_dim, color=GREY, linewidth=0.8, linestyle=(0, (5, 3)), zorder=0)
    axes.annotate(
        f"$n$ = {grid.true_dim}",
        (grid.true_dim, 1),
        (3, -2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        color="#404040",
    )


def titled(title: str, cautions: Collection[str], width: int = 56) -> str:
    """A title whose distances bear cautions, which follow in lines of so many letters."""
    texts = marks(cautions)
    lines = [
        line for text, mark in texts.items() for line in textwrap.wrap(f"{mark} {text}", width)
    ]
    return "\n".join([title + "".join(f" {mark}" for mark in texts.values()), *lines])
