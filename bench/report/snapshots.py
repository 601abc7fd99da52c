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
    columns = ["system", "dim", "status", "seed", "snapshot", "fid"]
    every = pd.concat([one.records[columns] for one in (*course(grid), grid)])
    own = (every["system"] == label) & (every["dim"] == dim) & (every["status"] == "done")
    table = every.loc[own, columns[-3:]].dropna().astype(float)
    # A protocol may measure the last snapshot by its number: main's again.
    table = table.drop_duplicates(["seed", "snapshot"])
    return table.pivot(index="seed", columns="snapshot", values="fid")


def _follows(one: Grid, main: Grid) -> bool:
    same = {**one.protocol, "checkpoint": None} == {**main.protocol, "checkpoint": None}
    return same and str(one.protocol["checkpoint"]).isdecimal()
