"""The table of a data set of one latent dimension: its systems, and all of their metrics."""

from dataclasses import replace

import pandas as pd

from bench.report.blocks import Block, Entry, Row, blocks
from bench.report.captions import METRICS, averaged, bold, controls, meaning
from bench.report.curves import MAIN, Grid
from bench.report.statistics import clearly_smallest

__all__ = ["only_dim", "overview"]


def only_dim(grid: Grid) -> int | None:
    """The one latent dimension of a data set's cells; None where there are several."""
    dims = {int(m) for one in (grid, *grid.others) for it in one.systems() for m in one.curve(it)}
    return dims.pop() if len(dims) == 1 else None


def overview(grid: Grid) -> Block:
    """The systems of one protocol by base and label, with the metrics that any of them has."""
    (m,) = {m for label in grid.systems() for m in grid.curve(label)}
    found = {block.metric: block for block in blocks(grid)}
    distances = pd.DataFrame({label: grid.curve(label)[m] for label in grid.systems()})
    best = clearly_smallest(distances)
    rows = []
    for label in sorted(grid.systems(), key=lambda label: (grid.base(label), label)):
        own = {
            metric: row.entries[m]
            for metric, block in found.items()
            for row in block.rows
            if row.label == label and m in row.entries
        }
        failed = own["fid"].failed
        entries = {it: replace(_told_once(one, failed), dim=m) for it, one in own.items()}
        entries["fid"] = replace(own["fid"], best=label == best, dim=m)
        rows.append(Row(label, label, grid.name, "overview", entries))
    name = "" if grid.name == MAIN else f", protocol {grid.name}"
    below = dict.fromkeys(text for block in found.values() for text in block.below)
    return Block(
        "overview",
        grid.name,
        f"Systems at m = {m}{name}",
        _caption(grid, int(m)),
        tuple(found),
        tuple(rows),
        (*below, *_columns(grid, list(found))),
        widest=6,
        corner="system",
    )


def _told_once(it: Entry, failed: str) -> Entry:
    """An entry without the failures that its system's distance names."""
    if not (failed and it.one and it.failed == failed):
        return it
    return replace(it, text=it.text.replace(f", {failed}", "", 1), failed="")


def _caption(grid: Grid, m: int) -> str:
    n = "unknown" if grid.true_dim is None else str(grid.true_dim)
    told = [f"All systems on {grid.dataset} (true dimension {n}) at latent dimension m = {m}."]
    told += averaged(grid)
    told += [bold("the smallest mean distance"), *controls(grid)]
    return " ".join([*told, "What failed is named at the distance, for all of a row."])


def _columns(grid: Grid, metrics: list[str]) -> list[str]:
    return [" ".join([f"{it}: {METRICS[it]}.", *meaning(grid, it)]) for it in metrics]
