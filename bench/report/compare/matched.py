"""The cells of two tables side by side, and their numbers."""

import pandas as pd

from bench.report.compare.directions import BETTER
from bench.report.compare.sides import KEY
from bench.report.results import Results

__all__ = ["GROUP", "cells", "groups"]

PLACE = ["dataset", "system", "dim", "protocol"]
GROUP = [*PLACE, "metric"]


def cells(reference: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell and protocol of either table: KEY, and its status `then` and `now`,
    `absent` where a table has no row of it."""
    sides = [table[[*KEY, "status"]] for table in (reference, records)]
    both = sides[0].merge(sides[1], on=KEY, how="outer", suffixes=("_then", "_now"))
    both = both.rename(columns={"status_then": "then", "status_now": "now"})
    return both.fillna({"then": "absent", "now": "absent"})


def groups(reference: Results, results: Results) -> pd.DataFrame:
    """One row for each metric of a data set's system at one dimension under one protocol, of the
    cells that are done in both tables.

    An experiment's quantity at one setting is such a row too, with the experiment for a data set,
    the quantity for a system and the setting for a dimension; its metric and protocol are `value`
    and empty.

    Returns: GROUP; of the seeds that have the number `count_then`, `mean_then`, `variance_then`,
        and the same of now; `pairs`, the seeds that have both, with the `mean_pairs` and
        `variance_pairs` of now − then; `differing`, those of which not all digits are the same.
    """
    done = [it.records[it.records["status"] == "done"] for it in (reference, results)]
    shared = done[0][KEY].merge(done[1][KEY], on=KEY)
    sides = [
        _numbers(table.merge(shared, on=KEY), side.experiments)
        for table, side in zip(done, (reference, results), strict=True)
    ]
    both = sides[0].merge(sides[1], on=[*GROUP, "seed"], how="outer", suffixes=("_then", "_now"))
    both = both.rename(columns={"value_then": "then", "value_now": "now"})
    # Of two infinite numbers the difference is none, and they are the same.
    both["pairs"] = (both["now"] - both["then"]).mask(both["now"] == both["then"], 0.0)
    known = both["then"].notna() & both["now"].notna()
    both["differing"] = known & (both["then"] != both["now"])
    by = both.groupby(GROUP, dropna=False, sort=False)
    told = {
        f"{name}_{side}": by[side].agg(how)
        for side in ("then", "now", "pairs")
        for name, how in (("count", "count"), ("mean", "mean"), ("variance", "var"))
    }
    found = pd.DataFrame(told | {"differing": by["differing"].sum()}).reset_index()
    return found.rename(columns={"count_pairs": "pairs"})


def _numbers(records: pd.DataFrame, experiments: pd.DataFrame | None) -> pd.DataFrame:
    """GROUP, seed and value: a row for each number."""
    long = records.melt(KEY, [*BETTER], "metric", "value")
    if experiments is not None:
        names = {"experiment": "dataset", "quantity": "system", "setting": "dim"}
        other = experiments.rename(columns=names).assign(protocol="", metric="value")
        long = pd.concat([long, other[long.columns]], ignore_index=True)
    long = long.dropna(subset="value")
    return long.astype({"value": float, "metric": "string", "protocol": "string"})
