"""What the choice of protocol does to the distances of the same training runs."""

from itertools import pairwise

import numpy as np
import pandas as pd

from bench.report.blocks import Block, Row, entry, noted
from bench.report.captions import bold, measured
from bench.report.curves import Grid
from bench.report.snapshots import further
from bench.report.statistics import clearly_smallest, exponential, interval
from bench.report.text import bracket, footnoted, listing, marks, number, plus_minus

__all__ = ["effect"]

_LIKE = ("split", "features", "resizer", "samples", "stretch")  # all but the choice of checkpoint


def effect(grid: Grid) -> Block | None:
    """The distances under each protocol beside those under main; None where there is only main."""
    if not further(grid) or grid.untrained():
        return None
    every = (grid, *further(grid))
    labels = grid.systems()
    rows = []
    for label in labels:
        for one in every:
            if label in one.systems():
                rows.append(_distances(one, label))
                rows += [] if one is grid else [_changes(grid, one, label)]
    dims = tuple(sorted({m for row in rows for m in row.entries}))
    texts = marks(sorted({text for one in every for text in one.cautions()}))
    rows, cautions = noted(rows, texts)
    below = (*cautions, *(_minima(every, label, texts) for label in labels), _order(every))
    return Block(
        "fid_ratio",
        "",
        "Effect of the protocol",
        _caption(grid),
        dims,
        rows,
        (*below, *_selection(every, texts)),
        widest=4,
    )


def _caption(grid: Grid) -> str:
    told = "; ".join(f"{one.name}: {measured(one)}" for one in (grid, *further(grid)))
    smallest = bold("a row's smallest mean")
    return (
        f"Fréchet distance of the same training runs on {grid.dataset} by latent dimension m, "
        f"under each protocol ({told}). Mean ± half-width of the 95 % t interval over seeds. "
        "“÷ main”: the ratio of geometric means over seeds to main, and its 95 % t interval, from "
        "the differences of logarithms paired by seed. "
        f"{smallest} Places and orders below are those of means, not tested."
    )


def _distances(grid: Grid, label: str) -> Row:
    curve, failures = grid.curve(label), grid.failures(label)
    best = clearly_smallest(curve)
    entries = {}
    for m, values in curve.items():
        lost = sum(one.dim == m for one in failures)
        one = interval(values)
        entries[int(m)] = entry(
            one,
            plus_minus(one) if one else "",
            len(values),
            f"lost {lost}/{len(values)}" if lost else "",
            best=bool(m == best),
            cautions=tuple(grid.cautions(label, m)),
        )
    return Row(f"{label}, {grid.name}", label, grid.name, "fid", entries)


def _changes(main: Grid, other: Grid, label: str) -> Row:
    logs = _log_ratio(main, other, label)
    entries = {}
    for m, values in logs.items():
        one, lost = interval(values), int(values.isna().sum())
        entries[int(m)] = entry(
            exponential(one) if one else None,
            _ratio(values) if one else "",
            len(values),
            f"lost {lost}/{len(values)}" if lost else "",
            cautions=tuple(dict.fromkeys([*main.cautions(label, m), *other.cautions(label, m)])),
        )
    return Row(f"{label}, {other.name} ÷ main", label, other.name, "fid_ratio", entries)


def _log_ratio(main: Grid, other: Grid, label: str) -> pd.DataFrame:
    """log d(other) − log d(main) [seeds, dims]; NaN where a distance is not above 0."""
    ours, theirs = (one.curve(label) for one in (main, other))
    return np.log(theirs.where(theirs > 0)) - np.log(ours.where(ours > 0))


def _ratio(logs: pd.Series) -> str:
    one = exponential(interval(logs))
    return number(one.mean) if one.low is None else f"{number(one.mean)} {bracket(one)}"


def _minima(every: tuple[Grid, ...], label: str, texts: dict[str, str]) -> str:
    """Where a system's smallest mean is under each protocol."""
    found = {}
    for one in every:
        if label in one.systems() and one.curve(label).notna().any(axis=None):
            means = one.curve(label).mean()
            m, least = int(means.idxmin()), number(means.min())
            found[one.name] = (m, footnoted(least, one.cautions(label, m), texts))
    if not found:
        return f"{label}: no distance under any protocol."
    places = {m for m, _ in found.values()}
    told = "; ".join(f"m = {m} under {name} ({value})" for name, (m, value) in found.items())
    moves = "" if len(found) == 1 else " It moves." if len(places) > 1 else " It stays."
    return f"{label}: smallest mean at {told}.{moves}"


def _order(every: tuple[Grid, ...]) -> str:
    """The systems by their smallest mean, under each protocol."""
    orders = {}
    for one in every:
        least = {label: one.curve(label).mean().min() for label in one.systems()}
        least = {label: value for label, value in least.items() if pd.notna(value)}
        orders[one.name] = sorted(least, key=lambda label: (least[label], label))
    told = "; ".join(f"{listing(order)} under {name}" for name, order in orders.items())
    # A protocol need not have been measured on every system.
    common = set.intersection(*map(set, orders.values()))
    ranks = [[label for label in order if label in common] for order in orders.values()]
    moves = "changes" if any(a != b for a, b in pairwise(ranks)) else "stays"
    return f"Order of the systems by their smallest mean: {told}. The order {moves}."


def _selection(every: tuple[Grid, ...], texts: dict[str, str]) -> list[str]:
    """What choosing the checkpoint on test data gains over an honest choice, system by system."""
    lines = []
    for best in every:
        if best.protocol["checkpoint"] != "best-test":
            continue
        for honest in ("best-validation", "last"):
            rivals = [one for one in every if one.protocol["checkpoint"] == honest]
            like = [one for one in rivals if _alike(one, best)]
            lines += [_gain(one, best, texts) for one in like]
    if lines:
        lines[-1] += (
            " A checkpoint chosen by its distance on the test split is flattered by it: that "
            "distance is no estimate of one on new data."
        )
    return lines


def _alike(a: Grid, b: Grid) -> bool:
    return all(a.protocol[name] == b.protocol[name] for name in _LIKE)


def _gain(honest: Grid, best: Grid, texts: dict[str, str]) -> str:
    told = []
    for label in sorted({*honest.systems()} & {*best.systems()}):
        # One number a seed: seeds are the replicates, dimensions are not.
        logs = _log_ratio(honest, best, label).mean(axis=1)
        if (one := interval(logs)) is None:
            continue
        looks = "looks better" if one.below(0) else "looks worse" if one.above(0) else "unclear"
        cautions = dict.fromkeys([*honest.cautions(label), *best.cautions(label)])
        told.append(f"{footnoted(f'{label} {_ratio(logs)}', cautions, texts)} ({looks})")
    return (
        f"Chosen on test data: {best.name} ÷ {honest.name}, ratio of geometric means over all m "
        f"and seeds: {'; '.join(told) or 'no cell in common'}."
    )
