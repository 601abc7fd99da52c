"""Published numbers with the cells of ours that belong to them, ranked: one line each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from bench.published import matches
from bench.report.blocks import Entry, blocks
from bench.report.curves import Grid
from bench.report.statistics import clearly_smallest

__all__ = ["Line", "beside", "selected"]


@dataclass(frozen=True)
class Line:
    """A published number, and one label of ours at one dimension, if it was run."""

    number: Mapping  # a row of `published.read`
    label: str | None = None
    dim: int | None = None
    entry: Entry | None = None  # our distance
    rank: int | None = None  # ours, and the published number's, among the same systems
    published_rank: int | None = None


def selected(numbers: pd.DataFrame, choices: list[Mapping]) -> pd.DataFrame:
    """The published numbers of a paper's table, in the order of `papers.yaml`."""
    found = []
    for choice in choices:
        rows = numbers[
            (numbers["paper"] == choice["paper"]) & (numbers["place"] == choice["place"])
        ]
        if "systems" in choice:
            order = {name: i for i, name in enumerate(choice["systems"])}
            rows = rows[rows["system"].isin(order)]
            rows = rows.sort_values("system", key=lambda names: names.map(order), kind="stable")
        if "confidence" in choice:
            rows = rows.assign(confidence=pd.array([choice["confidence"]] * len(rows), "string"))
        found.append(rows)
    return pd.concat(found, ignore_index=True)


def beside(numbers: pd.DataFrame, grid: Grid) -> list[Line]:
    """The lines of a data set's published numbers of one sampler, in their order.

    A label belongs to a number whose base and options it has. Of its dimensions the one nearest to
    the published one is taken (the smaller of two as near), and all where that is not known. Ranks
    are of means, among the systems with one line and a distance: where a system has several, none
    is picked to stand for it.
    """
    shown = {row.label: row.entries for block in blocks(grid, ["fid"]) for row in block.rows}
    lines = []
    for number in numbers.to_dict("records"):
        pairs = [
            (label, m)
            for label in _labels(number, grid)
            for m in _nearest(grid.curve(label).columns, number["dim"])
        ]
        lines += [Line(number, label, m, replace(shown[label][m], dim=m)) for label, m in pairs]
        lines += [] if pairs else [Line(number)]
    return _ranked(_bold(lines, grid))


def _labels(number: Mapping, grid: Grid) -> list[str]:
    if pd.isna(number["base"]):
        return []
    return [
        label
        for label in grid.systems([number["base"]])
        if not grid.untrained(label) and matches(number["options"], grid.options(label))
    ]


def _nearest(dims: pd.Index, wanted: int | None) -> list[int]:
    dims = sorted(int(m) for m in dims)
    return dims if pd.isna(wanted) else [min(dims, key=lambda m: (abs(m - wanted), m))]


def _bold(lines: list[Line], grid: Grid) -> list[Line]:
    runs = {i: grid.curve(one.label)[one.dim] for i, one in enumerate(lines) if one.entry}
    best = clearly_smallest(pd.DataFrame(runs))
    return [
        replace(one, entry=replace(one.entry, best=i == best)) if one.entry else one
        for i, one in enumerate(lines)
    ]


def _ranked(lines: list[Line]) -> list[Line]:
    systems = [one.number["system"] for one in lines]
    takes_part = [
        one.entry is not None and one.entry.one is not None and systems.count(system) == 1
        for one, system in zip(lines, systems, strict=True)
    ]
    ranked = [one for one, part in zip(lines, takes_part, strict=True) if part]
    ours = [one.entry.one.mean for one in ranked]
    theirs = [one.number["value"] for one in ranked]
    return [
        replace(
            one,
            rank=1 + sum(mean < one.entry.one.mean for mean in ours),
            published_rank=1 + sum(value < one.number["value"] for value in theirs),
        )
        if part
        else one
        for one, part in zip(lines, takes_part, strict=True)
    ]
