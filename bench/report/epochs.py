"""Figures by epoch: the training loss, and what two codes contribute to it."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.published import Mark
from bench.report import over_time
from bench.report.canvas import GREY, scale
from bench.report.over_time import Lines

__all__ = ["contributes", "contributions", "trained", "training"]

_DIMS = 2  # so many of a label's latent dimensions, the largest, are shown
_CODES = {"c": {"linestyle": "--", "markerfacecolor": "white"}, "z": {"linestyle": "-"}}
_lines = partial(over_time.lines, largest=_DIMS)


def trained(history: pd.DataFrame) -> Lines:
    """The losses of the systems of a data set that are in nats: those with a KL term."""
    lines = _lines(history, "autoencoder")
    nats = {*_lines(history, "kl"), *_lines(history, "kl.z")}
    return {key: one for key, one in lines.items() if key in nats}


def contributes(history: pd.DataFrame) -> Lines:
    """The KL terms of c of the systems of a data set that have such a code."""
    return _lines(history, "kl.c")


def training(dataset: str, history: pd.DataFrame, published: Sequence[Mark] = ()) -> Figure:
    """The loss by epoch: means over seeds, and bands from the smallest to the largest.

    Losses of different likelihoods can be far apart, so that each panel has those of like size.

    Arguments:
        history: the data set's rows of the table of `Results`, so that `trained` finds some.
        published: losses in nats from the literature; shown where training is as long as the
            first of them.
    """
    lines = trained(history)
    longest = max(one.columns.max() for one in lines.values())
    first = min((it.epoch for it in published if pd.notna(it.epoch)), default=0)
    published = published if longest >= first else ()
    groups = _alike({key: _last(one) for key, one in lines.items()})
    figure, all_axes = over_time.panels(len(groups))
    several = len({dim for _, dim in lines}) > 1
    ends = np.array([_last(lines[group[0]]) for group in groups])
    marks: list[list[Mark]] = [[] for _ in groups]
    for mark in published:
        marks[int(np.abs(ends - mark.value).argmin())].append(mark)
    for axes, group, own in zip(all_axes, groups, marks, strict=True):
        late = [np.array([mark.value for mark in own])]
        for i, key in enumerate(group):
            one = lines[key]
            over_time.line(axes, one, _name(key, several), over_time.look(i))
            late.append(one.loc[:, one.columns > one.columns.max() / 10].to_numpy().ravel())
        _mark(axes, own)
        values = np.concatenate(late)
        values = values[np.isfinite(values)]
        room = 0.05 * np.ptp(values) or 1
        axes.set_ylim(values.min() - room, values.max() + room)
    all_axes[0].set_ylabel("loss in nats")
    _finish(figure, dataset, lines, several)
    return figure


def contributions(dataset: str, history: pd.DataFrame, published: Sequence[Mark] = ()) -> Figure:
    """The KL terms of the codes c and z by epoch, and the ratio of their gradients' norms.

    Arguments:
        history: the data set's rows of the table of `Results`, so that `contributes` finds some.
        published: ratios from the literature, whose epochs are not known.
    """
    kl = {"c": contributes(history), "z": _lines(history, "kl.z")}
    gradients = {code: _lines(history, f"gradient.{code}") for code in "cz"}
    keys = [*kl["c"]]
    ratios = {
        key: (gradients["z"][key] / gradients["c"][key]).replace([np.inf, -np.inf], np.nan)
        for key in keys
        if key in gradients["c"] and key in gradients["z"]
    }
    figure, all_axes = over_time.panels(1 + bool(ratios))
    several = len({dim for _, dim in keys}) > 1
    shown = []
    for i, key in enumerate(keys):
        name = _name(key, several)
        for code in "cz":
            if key in kl[code]:
                look = over_time.look(i) | _CODES[code]
                over_time.line(all_axes[0], kl[code][key], f"{name}: {code}", look)
                shown.append(kl[code][key].to_numpy().ravel())
        if key in ratios:
            over_time.line(all_axes[1], ratios[key], name, over_time.look(i))
    all_axes[0].set(ylabel="KL in nats", ylim=(0, 1.1 * np.nanmax(np.concatenate(shown))))
    if ratios:
        axes, values = all_axes[1], [one.to_numpy().ravel() for one in ratios.values()]
        printed = [mark.value for mark in published]
        scale(axes, np.concatenate([[1.0, *printed], *values]))
        for value in printed:
            axes.axhline(value, color="black", linewidth=0.8, linestyle=":", zorder=0)
        if published:
            label = f"{published[0].label} (its first and last)"
            axes.plot([], [], color="black", linewidth=0.8, linestyle=":", label=label)
        axes.axhline(1, color=GREY, linewidth=0.8, linestyle=(0, (5, 3)), zorder=0)
        axes.set_ylabel("gradient norm of z over that of c")
    _finish(figure, dataset, keys, several)
    return figure


def _last(one: pd.DataFrame) -> float:
    return float(one.mean().iloc[-1])


def _alike(ends: dict[tuple[str, int], float]) -> list[list[tuple[str, int]]]:
    """Keys in groups of like values: none is further from its group's smallest than its size."""
    groups: list[list[tuple[str, int]]] = []
    for key in sorted(ends, key=lambda key: (ends[key], key)):
        if groups and ends[key] - ends[groups[-1][0]] <= abs(ends[groups[-1][0]]):
            groups[-1].append(key)
        else:
            groups.append([key])
    return [sorted(group) for group in groups]


def _name(key: tuple[str, int], several: bool) -> str:
    label, dim = key
    return f"{label}, $m$ = {dim}" if several else label


def _mark(axes: Axes, marks: Iterable[Mark]) -> None:
    """Marks from the literature, those of one label alike."""
    named: dict[str, list[tuple[int, float]]] = {}
    for label, epoch, value in marks:
        named.setdefault(label, []).append((epoch, value))
    for (label, own), sign in zip(named.items(), ("x", "+", "1", "2") * len(named), strict=False):
        look = {"linestyle": "", "marker": sign, "color": "black", "markersize": 5}
        axes.plot(*zip(*own, strict=True), **look, label=label, zorder=5)


def _finish(figure: Figure, dataset: str, keys: Collection[tuple[str, int]], several: bool) -> None:
    for axes in figure.axes:
        axes.set_xlabel("epoch")
        # Below, where it hides no line.
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=4.2)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.spines["right"].set_visible(False)
    title = dataset if several else f"{dataset}, $m$ = {next(iter(keys))[1]}"
    figure.suptitle(title, fontsize=8.5)
