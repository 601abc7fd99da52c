"""The course of a system's training: error, latent distance, dimensions kept, Fréchet distance."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import metrics
from bench.report import masks, over_time, snapshots
from bench.report.canvas import GREY, scale, titled
from bench.report.capacities import capacities
from bench.report.curves import Grid

__all__ = ["draw", "lines"]

_GAP, _DIVERGENCE = "latent distance $E[H(p)] - E[H(z)]$", "latent divergence"
_DISTANCES = {"gap": _GAP, "divergence": _DIVERGENCE}


def lines(grid: Grid, history: pd.DataFrame, label: str) -> dict[str, dict[int, pd.DataFrame]]:
    """What is known of a system over training: by panel and latent dimension (some, see
    `capacities`) values [seeds, steps]; empty for a system without a latent distance.

    Those that training told are means over parts of it, by their last step.

    Arguments:
        history: the data set's rows of the table of `Results`.
    """
    dims = capacities(grid.curve(label).columns, grid.true_dim)
    own = history[(history["system"] == label) & history["dim"].isin(dims)]

    def told(quantity: str) -> dict[int, pd.DataFrame]:
        found = over_time.lines(own, quantity, len(dims), "step")
        return {dim: one for (_, dim), one in found.items()}

    found = {"reconstruction error": told("reconstruction")}
    found |= {name: told(quantity) for quantity, name in _DISTANCES.items()}
    if not any(found[name] for name in _DISTANCES.values()):
        return {}
    found["dimensions kept"] = {
        dim: one for dim in dims if not (one := _counts(own, label, dim)).empty
    }
    if snapshots.course(grid):
        found["Fréchet distance"] = {dim: snapshots.distances(grid, label, dim) for dim in dims}
    return {name: by_dim for name, by_dim in found.items() if by_dim}


def draw(grid: Grid, history: pd.DataFrame, label: str) -> Figure:
    """The figure of a system of which `lines` knows something: means over seeds, and bands from
    the smallest to the largest; one line a latent dimension.

    Source: Mondal et al., MaskAAE: Latent space optimization for adversarial auto-encoders, 2020,
    figure 8.
    """
    found = lines(grid, history, label)
    figure, all_axes = over_time.panels(len(found), columns=3 if len(found) != 4 else 2)
    dims = sorted({dim for by_dim in found.values() for dim in by_dim})
    looks = {dim: over_time.look(i) for i, dim in enumerate(dims)}
    for axes, (name, by_dim) in zip(all_axes, found.items(), strict=True):
        for dim, one in by_dim.items():
            over_time.line(axes, one, f"$m$ = {dim}", looks[dim])
        _span(axes, name, by_dim, grid.true_dim)
        axes.set(xlabel="training step", ylabel=name)
        axes.spines["right"].set_visible(False)
        over_time.steps(axes)
    handles = {
        it.get_label(): it for axes in all_axes for it in axes.get_legend_handles_labels()[0]
    }
    figure.legend(handles=[*handles.values()], loc="outside lower center", ncols=4)
    every = (grid, *snapshots.course(grid)) if "Fréchet distance" in found else ()
    cautions = sorted({text for one in every for text in one.cautions(label)})
    figure.suptitle(titled(f"{grid.dataset}, {label}", cautions, 80), fontsize=8.5)
    return figure


def _counts(history: pd.DataFrame, label: str, dim: int) -> pd.DataFrame:
    """How many of a mask's values are at the threshold or above [seeds, steps]."""
    seeds = sorted(history.loc[history["dim"] == dim, "seed"].unique())
    found = {}
    for seed in seeds:
        mask = masks.values(history, label, dim, seed)
        if len(mask):
            found[seed] = (mask >= metrics.MASK_THRESHOLD).sum().where(mask.notna().all())
    return pd.DataFrame(found).T.sort_index(axis=1)


def _span(axes: Axes, name: str, by_dim: Mapping[int, pd.DataFrame], n: int | None) -> None:
    values = np.concatenate([one.to_numpy(float).ravel() for one in by_dim.values()])
    level = {"color": GREY, "linewidth": 0.8, "linestyle": (0, (5, 3)), "zorder": 0}
    if name == "dimensions kept":
        axes.set_ylim(0, max(by_dim) * 1.05)
        if n is not None:
            axes.axhline(n, **level, label=f"$n$ = {n}")
    elif name == _GAP or (values < 0).any():
        # Either sign: 0 is where codes and prior agree.
        axes.axhline(0, **level)
    else:
        scale(axes, values)
