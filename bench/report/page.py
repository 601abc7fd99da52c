"""The report: one self-contained HTML page of verdicts, figures, tables and all records."""

import base64
from pathlib import Path

import jinja2
import pandas as pd

from bench import costs, store
from bench import records as table
from bench.mistake import Mistake, reason
from bench.mixed import mixtures
from bench.report import claims, experiments, figures, tables
from bench.report.curves import MAIN, Grid, assignments, grids
from bench.report.failures import condensed, gaps
from bench.report.papers import papers
from bench.report.results import Results
from bench.report.text import bracket, listing, number

__all__ = ["write"]


def write(results: Results, path: str | Path, drawn: str | Path | None = None) -> None:
    """Write the page; the same bytes for the same records in any order.

    Arguments:
        drawn: where `figures.write` has put the figures of the same results; they are drawn here
            where that is not given.

    Raises:
        Mistake: the records of one data set do not belong together; see `curves.grids`. Or the
            published numbers cannot be read; see `published.read`. Or a figure is not in `drawn`.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(number=number, listing=listing, bracket=bracket, told=_told)
    environment.globals.update(anchor=_anchor, assignments=assignments, place=_place)
    rows = table.frame(results.records)
    verdicts = claims.judge(results.records, results.history, results.experiments)
    every = grids(results.records)
    text = environment.get_template("page.html").render(
        studies=sorted(rows["study"].dropna().unique()),
        ledger={claim["id"]: claim for claim in claims.ledger()},
        verdicts=verdicts,
        judged=_judged(verdicts),
        marks=dict(zip(claims.VERDICTS, "✓✗?–", strict=True)),
        counts={word: sum(one.verdict == word for one in verdicts) for word in claims.VERDICTS},
        datasets=[_dataset(grid, results, drawn) for grid in every],
        papers=papers(every),
        environment=results.environment,
        costs=costs.by_stage(results.costs),
        mixed=mixtures(rows),
        experiments=_experiments(results, drawn),
        columns=list(rows.columns),
        words=[name for name, kind in table.COLUMNS.items() if kind == "string"],
        records=[_record(row) for row in rows.to_dict("records")],
    )
    store.write_text(path, text)


def _dataset(grid: Grid, results: Results, drawn: str | Path | None) -> dict:
    blocks, others = tables.sections(grid)
    images = [
        {"kind": one.kind, "of": one.of, "image": _image(one, drawn)}
        for one in figures.drawn(grid, results)
    ]
    return {
        "grid": grid,
        "dims": sorted({int(m) for label in grid.systems() for m in grid.curve(label)}),
        "missing": tables.all_missing(grid),
        "images": images,
        "blocks": blocks,
        "others": others,
        "failures": condensed(grid),
        "gaps": gaps(grid),
    }


def _judged(verdicts: list[claims.Verdict]) -> list[tuple[dict, list[claims.Verdict]]]:
    """The claims that have verdicts, with them: first those on systems, last those not run."""
    found = [(it, [one for one in verdicts if one.claim == it["id"]]) for it in claims.ledger()]
    found = [(claim, own) for claim, own in found if own]

    def place(judged: tuple[dict, list[claims.Verdict]]) -> tuple[bool, bool]:
        claim, own = judged
        return all(one.verdict == "not run" for one in own), "experiment" in claim["about"]

    return sorted(found, key=place)


def _place(one: claims.Verdict) -> str:
    """The id of a verdict on the page."""
    return "-".join(filter(None, ["v", one.claim, one.dataset, one.system]))


def _experiments(results: Results, drawn: str | Path | None) -> list[dict]:
    """The experiments by name: their numbers and, where they have one, figure and caption."""
    if results.experiments is None:
        return []
    images = {one.of: _image(one, drawn) for one in figures.of_experiments(results)}
    return [
        experiments.tabled(name, results.experiments)
        | {"image": images.get(name), "caption": experiments.caption(name)}
        for name in sorted(results.experiments["experiment"].unique())
    ]


def _image(one: figures.Drawn, drawn: str | Path | None) -> str:
    """A figure as the page embeds it."""
    if drawn is None:
        text = figures.svg(one.draw)
    else:
        try:
            text = Path(drawn, one.file).read_text(encoding="utf-8")
        except OSError as error:
            raise Mistake(f"no figure of these records: {reason(error)}") from None
    return base64.b64encode(text.encode()).decode()


def _anchor(
    dataset: str, system: str, dim: int | str | None, seed: int | str, protocol: str = MAIN
) -> str:
    """The id of a record's row on the page, or of an experiment's value: of a quantity (as
    `system`) at a setting (as `dim`). A control has no dimension, some quantities no setting."""
    dim = "" if dim is None else dim
    return f"r-{dataset}-{system}-{dim}-{seed}" + ("" if protocol == MAIN else f"-{protocol}")


def _told(value: str | int | bool | None) -> str:
    """A value of the protocol as the page shows it."""
    if value is None:
        return "–"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _record(row: dict) -> dict:
    """A record as the page shows it: texts, and the values to sort by."""
    shown = {name: "" if pd.isna(value) else value for name, value in row.items()}
    cells = [(number(v, 4) if isinstance(v, float) else str(v), v) for v in shown.values()]
    keys = (shown[name] for name in ("dataset", "system", "dim", "seed", "protocol"))
    return {"anchor": _anchor(*keys), "status": shown["status"], "cells": cells}
