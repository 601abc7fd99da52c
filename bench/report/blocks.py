"""What a table shows: a metric's entries by system and latent dimension, with its caption."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from bench.report.captions import METRICS, caption
from bench.report.curves import CONTROLS, MAIN, Grid
from bench.report.statistics import Interval, clearly_smallest, interval
from bench.report.text import footnoted, marks, plus_minus

__all__ = ["Block", "Entry", "Row", "blocks", "entry", "noted"]


@dataclass(frozen=True)
class Entry:
    """One system's number at one dimension: what is shown, and what is behind it."""

    text: str
    one: Interval | None
    of: int  # seeds that a complete entry has
    failed: str = ""
    best: bool = False
    cautions: tuple[str, ...] = ()
    bootstrap: float | None = None  # mean half-width of the cells' own intervals
    dim: int | None = None  # of the records behind it, where its column is no dimension


@dataclass(frozen=True)
class Row:
    """Entries by column, where the records have such cells."""

    label: str
    system: str
    protocol: str
    metric: str
    entries: dict[int | str, Entry]


@dataclass(frozen=True)
class Block:
    """A table, and what is told above and below it."""

    metric: str
    protocol: str
    title: str
    caption: str
    dims: tuple[int | str, ...]  # the columns: dimensions, or names where a row has one dimension
    rows: tuple[Row, ...]
    below: tuple[str, ...] = ()
    widest: int = 9  # columns that fit across a page
    corner: str = "m"  # what stands above the rows' labels


def blocks(grid: Grid, metrics: Collection[str] = tuple(METRICS)) -> list[Block]:
    """Those of the metrics that any system has, each with the systems that have it."""
    found = []
    for metric in metrics:
        title = METRICS[metric]
        curves = {label: grid.curve(label, metric) for label in grid.systems()}
        if metric != "fid":
            curves = {label: one for label, one in curves.items() if one.notna().any(axis=None)}
        if not curves:
            continue
        title = title if grid.name == MAIN else f"{title}, protocol {grid.name}"
        dims = tuple(sorted({int(m) for one in curves.values() for m in one}))
        rows = [
            Row(label, label, grid.name, metric, _entries(grid, label, metric, one))
            for label, one in curves.items()
        ]
        # A caption names the controls' distances.
        controls = [text for name in CONTROLS for text in grid.cautions(name) if metric == "fid"]
        rows, below = noted(rows, marks(grid.cautions()), controls)
        text = caption(grid, metric)
        found.append(Block(metric, grid.name, title, text, dims, rows, below))
    return found


def entry(one: Interval | None, text: str, of: int, failed: str, **more) -> Entry:
    """An entry whose text also says which seeds failed."""
    return Entry(", ".join(filter(None, [text, failed])), one, of, failed, **more)


def noted(
    rows: list[Row], texts: Mapping[str, str], also: Collection[str] = ()
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Rows whose entries bear the marks of their cautions, and those cautions with their marks."""
    used = {text for row in rows for it in row.entries.values() for text in it.cautions} | {*also}
    marked = tuple(
        replace(row, entries={m: _marked(it, texts) for m, it in row.entries.items()})
        for row in rows
    )
    return marked, tuple(f"{mark} {text}." for text, mark in texts.items() if text in used)


def _marked(it: Entry, texts: Mapping[str, str]) -> Entry:
    return replace(it, text=footnoted(it.text, it.cautions, texts))


def _entries(grid: Grid, label: str, metric: str, curve: pd.DataFrame) -> dict[int, Entry]:
    failures = grid.failures(label, metric)
    best = clearly_smallest(curve) if metric == "fid" else None
    if metric == "fid":
        widths = (grid.curve(label, "fid_high") - grid.curve(label, "fid_low")).mean() / 2
    found = {}
    for m, values in curve.items():
        reasons = [one.reason for one in failures if one.dim == m]
        failed = ", ".join(
            f"{reason} {reasons.count(reason)}/{len(values)}" for reason in dict.fromkeys(reasons)
        )
        one, more = interval(values), {}
        if metric in ("fid", "fd_infinity"):
            more["cautions"] = tuple(grid.cautions(label, m))
        if metric == "fid" and pd.notna(widths[m]):
            more["bootstrap"] = float(widths[m])
        text = plus_minus(one) if one else ""
        found[int(m)] = entry(one, text, len(values), failed, best=bool(m == best), **more)
    return found
