"""What a study is of: its grid and what it costs, and its data."""

import json
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from bench import data, downloads, store, study
from bench.verbs import arguments
from bench.verbs.arguments import Add

__all__ = ["describe"]


def describe(add: Add) -> None:
    """Add the verbs of this file."""
    verb = add(_cells, "print the grid of a study: its curves, cells and cost")
    arguments.study(verb)

    verb = add(
        _data,
        "get a data set and write its fingerprint (sizes and hashes)",
        "Data sets are read from the folder BENCH_DATA (default: the user's cache folder), and "
        "downloaded to it where there is a network.",
    )
    arguments.study(verb, "--dataset")
    arguments.out(verb, "FILE.json")


def _cells(path: Path) -> None:
    it = study.read(path)

    from bench import estimate

    seeds = _sequence(it.seeds)
    rows, flops, hours = [], 0.0, 0.0
    for dataset, dims in it.datasets.items():
        for system in it.systems:
            curves, cells = len(it.seeds), len(dims) * len(it.seeds)
            cost = estimate.cost(it, dataset, system)
            flops, hours = flops + cost.flops, hours + cost.hours
            net = str(it.plan(dataset, system).net)
            spent = _short(cost.flops / 1e15), _short(cost.hours)
            rows.append((dataset, system, _sequence(dims), seeds, net, curves, cells, *spent))
    spent = _short(flops / 1e15), _short(hours)
    rows.append(("total", "", "", "", "", len(it.curves()), len(it.cells()), *spent))
    columns = ["dataset", "system", "dims", "seeds", "net", "curves", "cells", "PFLOP", "GPU hours"]
    print(tabulate(rows, columns, disable_numparse=True, colalign=["left"] * 5 + ["right"] * 4))
    slow = flops / estimate.SUSTAINED_CPU / 3600
    print(
        f"PFLOP: 10^15 floating-point operations, counted. GPU hours: a rough estimate for one GPU "
        f"that sustains {estimate.SUSTAINED / 1e12:g} TFLOP/s and takes "
        f"{estimate.LAUNCH_S * 1e6:g} µs for the smallest operation (no GPU was timed). At "
        f"{estimate.SUSTAINED_CPU / 1e9:g} GFLOP/s, as two cores may give, the arithmetic takes "
        f"{slow:,.1f} hours."
    )


def _short(value: float) -> str:
    if 0 < value < 0.01:
        return "< 0.01"
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _sequence(numbers: Sequence[int]) -> str:
    """Numbers in a few characters: 2, 4, ..., 32 where they are evenly spaced."""
    if len(numbers) > 3 and len({b - a for a, b in zip(numbers, numbers[1:], strict=False)}) == 1:
        return f"{numbers[0]}, {numbers[1]}, ..., {numbers[-1]}"
    return ", ".join(map(str, numbers))


def _data(path: Path, dataset: str, out: Path) -> None:
    arguments.known("data set", dataset, study.read(path).datasets)
    points = data.load(dataset)
    files = [str(file.relative_to(downloads.root())) for file in points.files()]
    told = points.fingerprint() | {"files": files}
    store.write_text(out, json.dumps(told, indent=2, sort_keys=True) + "\n")
