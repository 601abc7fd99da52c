"""A table per data set: metrics by system and latent dimension, as Markdown, LaTeX and CSV."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from bench import store
from bench.report.curves import CONTROLS, Grid, grids
from bench.report.statistics import interval
from bench.report.text import plus_minus

__all__ = ["Block", "Entry", "blocks", "caption", "write"]

_METRICS = {
    "fid": "Fréchet distance",
    "discovered_mask": "Dimensions kept by the mask (values ≥ 0.1)",
    "discovered_units": "Active units (variance of the code's mean > 0.01)",
    "latent_divergence": "Latent divergence",
    "nac": "NAC",
    "reconstruction": "Reconstruction: mean squared error per coordinate",
}
_PROTOCOL = {
    "split": "{} split",
    "features": "{} features",
    "samples": "{} samples",
    "net": "net {}",
    "batch": "batches of {}",
    "steps": "{} steps",
}
_MMD_CODES = 2000  # so many of the split's codes, at most, are compared with the prior
_FORMULA = "|C_ij| / sqrt(C_ii C_jj)"
_WIDEST = 9  # columns that fit across a page


@dataclass(frozen=True)
class Entry:
    """One system's metric at one dimension: what is shown, and the numbers behind it."""

    text: str
    best: bool
    mean: float | None
    half_width: float | None
    seeds: tuple[int, ...]
    of: int
    failed: str


@dataclass(frozen=True)
class Block:
    """One metric: entries by system and dimension; None where the study has no such cell."""

    metric: str
    title: str
    dims: tuple[int, ...]
    rows: dict[str, dict[int, Entry]]


def write(records: pd.DataFrame, out: str | Path) -> None:
    """Write `table-<dataset>.md`, `.tex` (needs booktabs) and `.csv` for each data set.

    Raises:
        Mistake: the records of one data set do not belong together; see `curves.grids`.
    """
    for grid in grids(records):
        for kind, render in (("md", _markdown), ("tex", _latex), ("csv", _csv)):
            store.write_text(Path(out) / f"table-{grid.dataset}.{kind}", render(grid))


def blocks(grid: Grid) -> list[Block]:
    """The metrics that any system has, each with the systems that have it or failed at it."""
    found = []
    for metric, title in _METRICS.items():
        curves = {label: grid.curve(label, metric) for label in grid.systems()}
        if metric != "fid":
            curves = {label: one for label, one in curves.items() if one.notna().any(axis=None)}
        if not curves:
            continue
        dims = tuple(sorted({int(m) for one in curves.values() for m in one}))
        rows = {label: _row(grid, label, metric, one) for label, one in curves.items()}
        found.append(Block(metric, title, dims, rows))
    return found


def caption(grid: Grid, metric: str) -> str:
    """What a block's numbers are, on what they were measured, and how they were averaged."""
    n = "unknown" if grid.true_dim is None else str(grid.true_dim)
    told = [f"{_METRICS[metric]} by latent dimension m on {grid.dataset} (true dimension {n})."]
    protocol = [
        words.format(value)
        for name, words in _PROTOCOL.items()
        if (value := grid.protocol[name]) is not None
    ]
    told += [f"Protocol: {', '.join(protocol)}."] if protocol else []
    if len(grid.seeds) == 1:
        told.append("One seed: no intervals.")
    else:
        told.append(
            f"Mean ± half-width of the 95 % t interval over {len(grid.seeds)} seeds; where an "
            "entry names failed or missing ones, over the rest."
        )
    if metric == "fid":
        told.append("Bold: a system's smallest mean.")
        shown = [
            f"{words} {plus_minus(one)}"
            for name, words in CONTROLS.items()
            if (one := grid.control(name))
        ]
        told += [f"Controls: {', '.join(shown)}."] if shown else []
    if metric == "latent_divergence":
        codes = min(_MMD_CODES, grid.protocol["samples"] or _MMD_CODES)
        told.append(
            f"MMD of the split's first {codes:,} codes against the prior: squared, with inverse "
            "multiquadratic kernels whose widths grow with m; an unbiased estimate, so that values "
            "near 0 may be negative."
        )
    if metric == "nac":
        told.append(
            f"NAC: mean over i ≠ j of {_FORMULA}, C the covariance of the codes (of the kept "
            "dimensions only, where there is a mask)."
        )
    return " ".join(told)


def _row(grid: Grid, label: str, metric: str, curve: pd.DataFrame) -> dict[int, Entry]:
    failures = grid.failures(label, metric)
    means = curve.mean()
    best = means.idxmin() if metric == "fid" and means.notna().any() else None
    row = {}
    for m, values in curve.items():
        reasons = [one.reason for one in failures if one.dim == m]
        failed = ", ".join(
            f"{reason} {reasons.count(reason)}/{len(values)}" for reason in dict.fromkeys(reasons)
        )
        row[int(m)] = _entry(values, failed, bool(m == best))
    return row


def _entry(values: pd.Series, failed: str, best: bool) -> Entry:
    one = interval(values)
    if one is None:
        return Entry(failed, False, None, None, (), len(values), failed)
    text = f"{plus_minus(one)}, {failed}" if failed else plus_minus(one)
    return Entry(text, best, one.mean, one.half_width, one.seeds, len(values), failed)


def _grid_rows(
    block: Block, dims: tuple[int, ...], shown: Callable[[Entry], str]
) -> list[list[str]]:
    return [
        [label, *(shown(row[m]) if m in row else "–" for m in dims)]
        for label, row in block.rows.items()
    ]


def _parts(block: Block) -> list[tuple[int, ...]]:
    """The dimensions in parts of about equal size, none wider than a page."""
    count = -(-len(block.dims) // _WIDEST)
    size = -(-len(block.dims) // count)
    return [block.dims[i : i + size] for i in range(0, len(block.dims), size)]


def _markdown(grid: Grid) -> str:
    def shown(entry: Entry) -> str:
        return f"**{entry.text}**" if entry.best else entry.text

    lines = [f"# {grid.dataset}", ""]
    for block in blocks(grid):
        lines += [f"## {block.title}", "", caption(grid, block.metric), ""]
        for dims in _parts(block):
            rows = _grid_rows(block, dims, shown)
            lines += [tabulate(rows, ["m", *map(str, dims)], "pipe", disable_numparse=True), ""]
    return "\n".join(lines)


def _latex(grid: Grid) -> str:
    def shown(entry: Entry) -> str:
        text = _escape(entry.text)
        return rf"\textbf{{{text}}}" if entry.best else text

    lines = ["% Needs \\usepackage{booktabs}."]
    for block in blocks(grid):
        lines += ["\\begin{table*}", "\\centering", "\\scriptsize", "\\setlength{\\tabcolsep}{3pt}"]
        lines += [f"\\caption{{{_escape(caption(grid, block.metric))}}}"]
        lines += [f"\\label{{tab:{grid.dataset}-{block.metric}}}"]
        for part, dims in enumerate(_parts(block)):
            lines += ["\\par\\medskip"] if part else []
            lines += [f"\\begin{{tabular}}{{l{'r' * len(dims)}}}", "\\toprule"]
            lines += [" & ".join(["$m$", *map(str, dims)]) + r" \\", "\\midrule"]
            rows = _grid_rows(block, dims, shown)
            lines += [" & ".join([_escape(row[0]), *row[1:]]) + r" \\" for row in rows]
            lines += ["\\bottomrule", "\\end{tabular}"]
        lines += ["\\end{table*}", ""]
    return "\n".join(lines)


def _escape(text: str) -> str:
    before, found, after = text.partition(_FORMULA)
    for plain, latex in (
        ("\\", "\\textbackslash{}"),
        ("_", "\\_"),
        ("%", "\\%"),
        ("&", "\\&"),
        ("#", "\\#"),
        ("±", "$\\pm$"),
        ("≥", "$\\geq$"),
        ("≠", "$\\neq$"),
        (">", "$>$"),
        ("–", "--"),
        ("é", "\\'e"),
    ):
        before, after = before.replace(plain, latex), after.replace(plain, latex)
    return before + (r"$|C_{ij}| / \sqrt{C_{ii} C_{jj}}$" if found else "") + after


def _csv(grid: Grid) -> str:
    rows = [
        {
            "dataset": grid.dataset,
            "metric": block.metric,
            "system": label,
            "dim": m,
            "mean": entry.mean,
            "half_width": entry.half_width,
            "seeds": len(entry.seeds),
            "of": entry.of,
            "failed": entry.failed,
            **grid.protocol,
        }
        for block in blocks(grid)
        for label, row in block.rows.items()
        for m, entry in row.items()
    ]
    return pd.DataFrame(rows).to_csv(index=False, float_format="%.6g", lineterminator="\n")
