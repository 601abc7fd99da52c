"""The report: one self-contained HTML page of verdicts, figures, tables and all records."""

import base64
from pathlib import Path

import jinja2
import pandas as pd

from bench import records as table
from bench import store
from bench.report import claims, figures, tables
from bench.report.curves import Grid, assignments, grids
from bench.report.text import bracket, listing, number

__all__ = ["write"]


def write(records: pd.DataFrame, path: str | Path) -> None:
    """Write the page; the same bytes for the same records in any order.

    Raises:
        Mistake: the records of one data set do not belong together; see `curves.grids`.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(number=number, listing=listing, bracket=bracket)
    environment.globals.update(anchor=_anchor, assignments=assignments)
    rows = table.frame(records.to_dict("records"))
    verdicts = claims.judge(records)
    text = environment.get_template("page.html").render(
        studies=sorted(rows["study"].dropna().unique()),
        ledger={claim["id"]: claim for claim in claims.ledger()},
        verdicts=verdicts,
        counts={word: sum(one.verdict == word for one in verdicts) for word in claims.VERDICTS},
        datasets=[_dataset(grid) for grid in grids(records)],
        columns=list(rows.columns),
        records=[_record(row) for row in rows.to_dict("records")],
    )
    store.write_text(path, text)


def _dataset(grid: Grid) -> dict:
    curves = {label: grid.curve(label) for label in grid.systems()}
    return {
        "grid": grid,
        "dims": sorted({int(m) for curve in curves.values() for m in curve}),
        "systems": list(curves),
        "image": base64.b64encode(figures.svg(grid).encode()).decode(),
        "blocks": [(block, tables.caption(grid, block.metric)) for block in tables.blocks(grid)],
        "failures": [one for label in curves for one in grid.failures(label)],
    }


def _anchor(dataset: str, system: str, dim: int | str, seed: int | str) -> str:
    """The id of a record's row on the page; a control has no dimension."""
    return f"r-{dataset}-{system}-{dim}-{seed}"


def _record(row: dict) -> dict:
    """A record as the page shows it: texts, and the values to sort by."""
    shown = {name: "" if pd.isna(value) else value for name, value in row.items()}
    cells = [(number(v, 4) if isinstance(v, float) else str(v), v) for v in shown.values()]
    keys = (shown[name] for name in ("dataset", "system", "dim", "seed"))
    return {"anchor": _anchor(*keys), "status": shown["status"], "cells": cells}
