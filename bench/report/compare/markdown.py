"""A comparison as Markdown that fits a pull request: the verdict first, then worst first."""

from collections.abc import Iterable, Sequence

import pandas as pd

from bench.report.compare import chance
from bench.report.compare.charts import sparks
from bench.report.compare.comparison import Comparison
from bench.report.compare.directions import FLOOR
from bench.report.compare.matched import PLACE
from bench.report.compare.verdicts import Change
from bench.report.text import number

__all__ = ["headline", "markdown"]

_ROWS = 40
"""Of a table, so that all of them together stay well below 65,000 characters."""
_TEXT = 200
"""Characters of a cell of a table."""
_CURVE = ["dataset", "system", "protocol", "metric"]


def headline(found: Comparison) -> str:
    """The outcome in a line, without its end."""
    if found.regressed:
        return "Regression" if not found.improved else "Regression, and unexplained improvement"
    return "Unexplained improvement" if found.improved else "The same"


def markdown(found: Comparison) -> str:
    """The comparison as Markdown, of less than 65,000 characters.

    Of each table the first 40 rows are shown, and how many there are more.
    """
    alarms = [it for it in found.verdicts if it.alarm]
    other = [it for it in found.verdicts if not it.alarm]
    parts = [
        f"## {headline(found)}",
        _counts(found),
        _how(found),
        *_section("Verdicts lost", _VERDICTS, [_verdict(it) for it in alarms]),
        *_section("Cells lost, or done that failed", _CELLS, _fates(found, ["lost", "recovered"])),
        *_section("Numbers, worst first", _NUMBERS, _numbers(found)),
        *_section("Curves: reference, and below it the results", _CHARTS, _charts(found)),
        *_section("Other verdicts that changed", _VERDICTS, [_verdict(it) for it in other]),
        *_section("New, or failed then and now", _CELLS, _fates(found, ["new", "failed"])),
    ]
    return "\n\n".join(parts) + "\n"


_VERDICTS = ["claim", "on", "was", "is", "finding"]
_CELLS = ["cells", "m", "what", "seeds done", "status"]
_NUMBERS = ["of", "m", "metric", "reference", "results", "change", "what", "seeds", "p"]
_CHARTS = ["curve", "m", "chart", "largest change"]


def _counts(found: Comparison) -> str:
    words, fates = found.groups["word"].value_counts(), found.cells["word"].value_counts()
    told = [f"{words[it]} {it}" for it in ("worse", "lost", "changed", "better") if it in words]
    told += [f"{words.get('same', 0)} the same"]
    cells = [f"{fates.get('done', 0)} done then and now"]
    cells += [f"{fates[it]} {it}" for it in ("lost", "recovered", "new", "failed") if it in fates]
    lost = sum(it.alarm for it in found.verdicts)
    return (
        f"Metrics by data set, system and dimension: {', '.join(told)}. "
        f"Cells: {', '.join(cells)}. "
        f"Verdicts: {lost} lost, {len(found.verdicts) - lost} otherwise changed."
    )


def _how(found: Comparison) -> str:
    if not found.inexact:
        return "Compared digit by digit: the environments agree."
    tested = found.groups["adjusted"].notna()
    untested = int((~tested & ~found.groups["word"].isin(["new", "lost"])).sum())
    alone = f" {untested} of one seed could not be compared." if untested else ""
    return (
        f"Compared by chance ({found.inexact}): Student's tests over seeds, two-sided, "
        f"{int(tested.sum())} of them at a false discovery rate of {chance.LEVEL:.0%} (Benjamini "
        f"and Hochberg); changes below {FLOOR:.0%} (likelihoods: .5 %) raise no alarm.{alone}"
    )


def _section(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    shown = [[_cell(text) for text in row] for row in rows[:_ROWS]]
    lines = [f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *shown)]
    more = [f"… and {len(rows) - _ROWS} more."] if len(rows) > _ROWS else []
    return [f"### {title}", "\n".join(lines), *more]


def _cell(text: str) -> str:
    """A text that stays in its cell."""
    text = " ".join(text.split()).replace("|", "\\|")
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"


def _verdict(it: Change) -> list[str]:
    return [
        it.claim,
        " · ".join(filter(None, [it.dataset, it.system])),
        it.then,
        it.now,
        it.finding,
    ]


def _numbers(found: Comparison) -> list[list[str]]:
    return [
        [
            _of(row),
            _dim(row["dim"]),
            row["metric"],
            _number(row["mean_then"]),
            _number(row["mean_now"]),
            _relative(row["relative"]),
            row["word"],
            _seeds(row, exactly=not found.inexact),
            "" if pd.isna(row["adjusted"]) else f"{row['adjusted']:.1g}",
        ]
        for row in found.alarms.to_dict("records")
    ]


def _seeds(row: dict, exactly: bool) -> str:
    then, now = row["count_then"], row["count_now"]
    told = f"{now} of {then} seeds" if now != then else f"{now} seeds" if now > 1 else "1 seed"
    return f"{told}, {row['differing']} differ" if exactly and row["pairs"] else told


def _fates(found: Comparison, words: list[str]) -> list[list[str]]:
    """A row for each system at a dimension some of whose cells have such a fate."""
    rows = []
    for _, cells in found.cells.groupby(PLACE, dropna=False, sort=False):
        for word in words:
            of = cells[cells["word"] == word]
            if of.empty:
                continue
            one = of.iloc[0]
            counts = [int((cells[side] == "done").sum()) for side in ("then", "now")]
            done = f"{counts[1]} of {len(cells)} seeds, {counts[0]} in the reference"
            ends = of["now"].value_counts().items()
            status = ", ".join(f"{count} {end}" for end, count in ends)
            rows.append([_of(one), _dim(one["dim"]), word, done, status])
    return rows


def _charts(found: Comparison) -> list[list[str]]:
    """The distance of every curve, and all else that changed, those with an alarm first."""
    groups = found.groups[found.groups["dim"].notna() & (found.groups["word"] != "new")]
    rows = []
    for _, curve in groups.groupby(_CURVE, sort=False):
        alarm = curve["word"].isin(["lost", "worse", "changed", "better"]).any()
        if not (alarm or curve["metric"].iloc[0] == "fid"):
            continue
        one, curve = curve.iloc[0], curve.sort_values("dim")
        charts = sparks(curve["mean_then"].tolist(), curve["mean_now"].tolist())
        dims = curve["dim"].tolist()
        span = str(dims[0]) if len(dims) == 1 else f"{dims[0]} … {dims[-1]}"
        at = curve["relative"].abs().fillna(-1.0).argmax()
        largest = f"{_relative(curve['relative'].iloc[at])} at {dims[at]}"
        text = "<br>".join(f"`{chart}`" for chart in charts)
        rows.append([f"{_of(one)} · {one['metric']}", span, text, largest])
    return rows


def _of(row: dict | pd.Series) -> str:
    names: Iterable[str] = (row["dataset"], row["system"], row["protocol"])
    return " · ".join(name for name in names if name and name != "main")


def _dim(dim: int | None) -> str:
    return "" if pd.isna(dim) else str(int(dim))


def _number(value: float) -> str:
    return "–" if pd.isna(value) else number(value, 4)


def _relative(change: float) -> str:
    if pd.isna(change):
        return "–"
    return f"{change:+.0%}" if abs(change) >= 0.1 or change == 0 else f"{change * 100:+.2g} %"
