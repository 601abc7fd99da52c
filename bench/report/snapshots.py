"""The protocols that follow training: those that measure a kept snapshot, by its number."""

import pandas as pd

from bench.report.curves import Grid

__all__ = ["course", "distances", "further"]


def course(grid: Grid) -> tuple[Grid, ...]:
    """Of a data set's further protocols those that differ from main in one thing: they measure the
    snapshot of a number, not the last or the best."""
    return tuple(one for one in grid.others if _follows(one, grid))


def further(grid: Grid) -> tuple[Grid, ...]:
    """A data set's further protocols that are to be compared with main: all but its `course`."""
    return tuple(one for one in grid.others if not _follows(one, grid))


def distances(grid: Grid, label: str, dim: int) -> pd.DataFrame:
    """Fréchet distances [seeds, steps] of the snapshots of `course`, and of that of main."""
    rows = [
        row
        for one in (*course(grid), grid)
        for row in one.records.to_dict("records")
        if row["system"] == label and row["dim"] == dim and row["status"] == "done"
    ]
    table = pd.DataFrame(rows, columns=["seed", "snapshot", "fid"]).dropna().astype(float)
    # A protocol may measure the last snapshot by its number: main's again.
    table = table.drop_duplicates(["seed", "snapshot"])
    return table.pivot(index="seed", columns="snapshot", values="fid")


def _follows(one: Grid, main: Grid) -> bool:
    same = {**one.protocol, "checkpoint": None} == {**main.protocol, "checkpoint": None}
    return same and str(one.protocol["checkpoint"]).isdecimal()
