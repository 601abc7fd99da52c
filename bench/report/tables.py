"""The tables of each data set as Markdown, LaTeX and CSV."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from bench import store
from bench.report.blocks import Block, Entry, blocks
from bench.report.captions import FORMULA
from bench.report.curves import Grid, grids
from bench.report.effect import effect
from bench.report.overview import only_dim, overview
from bench.report.papers import papers
from bench.report.snapshots import further

__all__ = ["all_missing", "sections", "write"]


def write(records: pd.DataFrame, out: str | Path) -> None:
    """Write `table-<dataset>.md`, `.tex` (needs booktabs) and `.csv` for each data set.

    And `paper-<id>.…` for each paper's table of which the records have a cell.

    Raises:
        Mistake: the records of one data set do not belong together; see `curves.grids`. Or the
            published numbers cannot be read; see `published.read`.
    """
    every = grids(records)
    for paper in papers(every):
        path = Path(out) / f"paper-{paper.id}"
        parts = [replace(it, title=f"{names}: {it.title}") for names, it in paper.parts]
        _write(path, paper.title, paper.id, parts)
        store.write_text(path.with_name(f"{path.name}.csv"), _text(paper.numbers))
    for grid in every:
        path = Path(out) / f"table-{grid.dataset}"
        own, others = _by_metric(grid)
        tabled = sum(_sections(grid, own, others), [])
        _write(path, grid.dataset, grid.dataset, tabled, all_missing(grid))
        store.write_text(path.with_name(f"{path.name}.csv"), _csv(grid, own + others))


def _write(path: Path, title: str, label: str, tabled: list[Block], missing: str = "") -> None:
    store.write_text(path.with_name(f"{path.name}.md"), _markdown(title, tabled, missing))
    store.write_text(path.with_name(f"{path.name}.tex"), _latex(label, tabled, missing))


def sections(grid: Grid) -> tuple[list[Block], list[Block]]:
    """The tables of a data set: main's with the effect of the protocol, and the others' own.

    A data set of one latent dimension has one table of all metrics in place of one for each.
    """
    return _sections(grid, *_by_metric(grid))


def _sections(grid: Grid, own: list[Block], others: list[Block]) -> tuple[list[Block], list[Block]]:
    if only_dim(grid) is None:
        return own, others
    changed = {block.protocol for block in others}
    return (
        [overview(grid), *(block for block in own if not block.protocol)],
        [overview(other) for other in further(grid) if other.name in changed],
    )


def _by_metric(grid: Grid) -> tuple[list[Block], list[Block]]:
    """A table a metric, and the effect of the protocol; the others' own.

    Another protocol's metric that is main's, number by number, is not shown again: stretching, for
    one, leaves codes as they are.
    """
    whole = effect(grid)
    others = [
        block
        for other in further(grid)
        for block in blocks(other)
        if not all(
            other.curve(label, block.metric).equals(grid.curve(label, block.metric))
            for label in other.systems()
            if label in grid.systems()
        )
    ]
    return [*blocks(grid), *([whole] if whole else [])], others


def all_missing(grid: Grid) -> str:
    """What stands for the tables of a data set without a trained cell; empty for any other."""
    count = grid.untrained()
    return (
        f"All {count} cells are {grid.lost()}: there is no record of a cell of {grid.dataset}."
        if count
        else ""
    )


def _lines(
    block: Block, dims: tuple[int | str, ...], shown: Callable[[Entry], str], empty: str = "–"
) -> list[list[str]]:
    return [
        [row.label, *(shown(row.entries[m]) if m in row.entries else empty for m in dims)]
        for row in block.rows
    ]


def _parts(block: Block) -> list[tuple[int | str, ...]]:
    """The columns in parts of about equal size, none wider than a page."""
    count = -(-len(block.dims) // block.widest)
    size = -(-len(block.dims) // count)
    return [block.dims[i : i + size] for i in range(0, len(block.dims), size)]


def _markdown(title: str, tabled: list[Block], missing: str) -> str:
    def shown(entry: Entry) -> str:
        return f"**{entry.text}**" if entry.best else entry.text

    lines = [f"# {title}", ""]
    if missing:
        return "\n".join([*lines, missing, ""])
    for block in tabled:
        lines += [f"## {block.title}", "", block.caption, ""]
        for dims in _parts(block):
            rows = _lines(block, dims, shown)
            lines += [
                tabulate(rows, [block.corner, *map(str, dims)], "pipe", disable_numparse=True),
                "",
            ]
        lines += [line for told in block.below for line in (told, "")]
    return "\n".join(lines)


def _latex(name: str, tabled: list[Block], missing: str) -> str:
    def shown(entry: Entry) -> str:
        text = _escape(entry.text)
        return rf"\textbf{{{text}}}" if entry.best else text

    lines = ["% Needs \\usepackage{booktabs}."]
    if missing:
        return "\n".join([*lines, _escape(missing), ""])
    for block in tabled:
        label = "-".join(filter(None, [name, block.metric, block.protocol]))
        lines += ["\\begin{table*}", "\\centering", "\\scriptsize", "\\setlength{\\tabcolsep}{3pt}"]
        lines += [f"\\caption{{{_escape(block.caption)}}}", f"\\label{{tab:{label}}}"]
        for part, dims in enumerate(_parts(block)):
            lines += ["\\par\\medskip"] if part else []
            lines += [f"\\begin{{tabular}}{{l{'r' * len(dims)}}}", "\\toprule"]
            corner = "$m$" if block.corner == "m" else _escape(block.corner)
            lines += [" & ".join([corner, *map(_escape, map(str, dims))]) + r" \\", "\\midrule"]
            rows = _lines(block, dims, shown, _LATEX["–"])
            lines += [" & ".join([_escape(row[0]), *row[1:]]) + r" \\" for row in rows]
            lines += ["\\bottomrule", "\\end{tabular}"]
        lines += [f"\\par\\smallskip {_escape(told)}" for told in block.below]
        lines += ["\\end{table*}", ""]
    return "\n".join(lines)


_LATEX = {
    "\\": "\\textbackslash{}",
    "_": "\\_",
    "%": "\\%",
    "&": "\\&",
    "#": "\\#",
    "±": "$\\pm$",
    "≥": "$\\geq$",
    "≠": "$\\neq$",
    ">": "$>$",
    "÷": "$\\div$",
    "†": "\\dag{}",
    "‡": "\\ddag{}",
    "§": "\\S{}",
    "¶": "\\P{}",
    "–": "--",
    "“": "``",
    "”": "''",
    "é": "\\'e",
    "ä": '\\"a',
    "ń": "\\'n",
    "ö": '\\"o',
    "γ": "$\\gamma$",
    "η": "$\\eta$",
    "²": "$^2$",
    "×": "$\\times$",
}


def _escape(text: str) -> str:
    formula = r"$|C_{ij}| / \sqrt{C_{ii} C_{jj}}$"
    return formula.join(
        "".join(_LATEX.get(letter, letter) for letter in part) for part in text.split(FORMULA)
    )


def _csv(grid: Grid, tabled: list[Block]) -> str:
    protocols = {it.name: it.protocol for it in (grid, *grid.others)}
    rows = [
        {
            "dataset": grid.dataset,
            "metric": row.metric,
            "system": row.system,
            "dim": m,
            "mean": entry.one.mean if entry.one else None,
            "half_width": entry.one.half_width if entry.one and block.protocol else None,
            "low": entry.one.low if entry.one else None,
            "high": entry.one.high if entry.one else None,
            "bootstrap_half_width": entry.bootstrap,
            "seeds": len(entry.one.seeds) if entry.one else 0,
            "of": entry.of,
            "failed": entry.failed,
            "caution": "; ".join(entry.cautions),
            "protocol": row.protocol,
            **protocols[row.protocol],
            **grid.training[row.system],
        }
        for block in tabled
        for row in block.rows
        # The distances in the block of the effect are in their own protocols' blocks too.
        if block.protocol or row.metric == block.metric
        for m, entry in row.entries.items()
    ]
    return _text(pd.DataFrame(rows))


def _text(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
