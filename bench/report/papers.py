"""The papers' tables: published numbers beside ours, as `papers.yaml` has them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import yaml

from bench import published
from bench.report.beside import Line, beside, selected
from bench.report.blocks import Block, Entry, Row, blocks
from bench.report.captions import averaged, bold, meaning
from bench.report.curves import MAIN, Grid
from bench.report.text import listing

__all__ = ["Paper", "papers"]

NOT_RUN = "not run"


@dataclass(frozen=True)
class Paper:
    """A paper's table: a block for each data set that was run, and one of what was not."""

    id: str
    title: str
    parts: tuple[tuple[str, Block], ...]  # data set (or several, not run), block
    numbers: pd.DataFrame  # one row a line, for the CSV


def papers(grids: list[Grid]) -> list[Paper]:
    """The tables of papers of which the records have a cell, in the order of `papers.yaml`.

    Raises:
        Mistake: the published numbers cannot be read; see `published.read`.
    """
    text = Path(__file__).with_name("papers.yaml").read_text(encoding="utf-8")
    numbers, run = published.read(), [grid for grid in grids if not grid.untrained()]
    found = []
    for one in yaml.safe_load(text):
        if "systems" in one:
            parts, rows = _by_dimension(one, run)
        else:
            parts, rows = _beside(one, selected(numbers, one["numbers"]), run)
        if parts:
            found.append(Paper(one["id"], one["title"], tuple(parts), pd.DataFrame(rows)))
    return found


def _beside(
    one: Mapping, numbers: pd.DataFrame, run: list[Grid]
) -> tuple[list[tuple[str, Block]], list[dict]]:
    by_name = {grid.dataset: grid for grid in run}
    samplers = one.get("samplers", {None: ""})
    parts, rows, rest = [], [], {}
    for dataset in numbers["dataset"].drop_duplicates():
        for sampler, words in samplers.items():
            own = numbers[numbers["dataset"] == dataset]
            own = own if sampler is None else own[own["sampler"] == sampler]
            grid = by_name.get(dataset)
            lines = beside(own, grid) if grid else [Line(it) for it in own.to_dict("records")]
            rows += [_csv_row(line, grid) for line in lines]
            if any(line.label for line in lines):
                parts.append((dataset, _block(one, words, lines, grid)))
            else:
                rest[", ".join(filter(None, [dataset, words]))] = own
    if parts and rest:
        names = dict.fromkeys(it for own in rest.values() for it in own["dataset"])
        parts.append((listing(names), _rest(one, rest)))
    return parts, rows


def _block(one: Mapping, words: str, lines: list[Line], grid: Grid) -> Block:
    features = grid.protocol["features"]
    ours = "ours" if features == "inception" else f"ours, {features} features"
    columns = ("published", "its rank", "our rank", ours, "m", "seeds", "label")
    names = [line.number["system"] for line in lines]
    rows, decimals = [], _decimals(pd.DataFrame([line.number for line in lines]))
    for line in lines:
        name = line.number["system"]
        several = names.count(name) > 1 and line.label
        row = f"{name} ({line.label}, m = {line.dim})" if several else name
        texts = {"published": _number(line.number, decimals), "its rank": line.published_rank}
        texts |= {"our rank": line.rank, "m": _dim(line), "label": line.label}
        if line.entry and line.entry.one:
            texts["seeds"] = len(line.entry.one.seeds)
        entries = {key: _plain(text) for key, text in texts.items() if text is not None}
        entries[ours] = line.entry or _plain(NOT_RUN)
        rows.append(Row(row, line.label or "", MAIN, "fid", entries))
    title = ", ".join(filter(None, [one["title"], words]))
    below = [*blocks(grid, ["fid"])[0].below, *_protocols([line.number for line in lines])]
    return Block(
        "-".join([grid.dataset, *([lines[0].number["sampler"]] if words else [])]),
        MAIN,
        title,
        _caption(one, words, lines, grid),
        columns,
        tuple(rows),
        tuple(below),
        corner="system",
    )


def _caption(one: Mapping, words: str, lines: list[Line], grid: Grid) -> str:
    it, features = lines[-1].number, grid.protocol["features"]
    drawn = f", {words}" if words else ""
    told = [
        f"{one['title']} ({it['source']}): FID on {grid.dataset}{drawn}, and ours.",
        one["note"],
    ]
    told += ["Published: mean ± standard deviation over trials, where there is one. Ours:"]
    told += averaged(grid)
    if features == "inception":
        told.append("A distance does not carry over from one protocol to another.")
    else:
        told.append(
            f"Ours are distances of {features} features, published ones of Inception's: two "
            "scales, whose values cannot be compared. Only the order of systems can be."
        )
    told.append(
        "Ranks: of the published numbers and of our means (not tested), among those systems of the "
        "table that were run, with one label and one latent dimension each."
    )
    if any(line.rank and line.number["confidence"] != "read" for line in lines):
        told.append("The published ranks rest on the marked numbers too.")
    told.append(
        "Of a label's latent dimensions the one nearest to the published one is shown, or all "
        "where that is not known."
    )
    told += [bold("the smallest mean of ours"), *_confidences(lines)]
    return " ".join(told)


def _confidences(lines: list[Line]) -> list[str]:
    used = {line.number["confidence"] for line in lines} - {"read"}
    told = [f"{it}: {words}" for it, words in published.CONFIDENCES.items() if it in used]
    return [f"Marks: {'; '.join(told)}."] if told else []


def _protocols(numbers: list[Mapping]) -> list[str]:
    """How the published numbers were measured, and which, where not all are alike."""
    groups = {}
    for it in numbers:
        groups.setdefault(it["protocol"], {})[it["system"]] = None
    alike = len(groups) == 1
    return [
        f"Published{'' if alike else ', ' + '; '.join(names)}: {protocol}."
        for protocol, names in groups.items()
    ]


def _rest(one: Mapping, rest: Mapping[str, pd.DataFrame]) -> Block:
    """Published numbers of which nothing of ours is at hand."""
    rows, decimals = {}, _decimals(pd.concat(rest.values()))
    for column, numbers in rest.items():
        for it in numbers.to_dict("records"):
            text = f"{_number(it, decimals)}; ours: {NOT_RUN}"
            rows.setdefault(it["system"], {})[column] = _plain(text)
    every = [it for numbers in rest.values() for it in numbers.to_dict("records")]
    lines = [Line(it) for it in every]
    return Block(
        "rest",
        MAIN,
        f"{one['title']}, published only",
        " ".join(
            [f"{one['title']}: FID, where nothing was run.", one["note"], *_confidences(lines)]
        ),
        tuple(rest),
        tuple(Row(name, "", MAIN, "fid", entries) for name, entries in rows.items()),
        tuple(_protocols(every)),
        widest=3,
        corner="system",
    )


def _by_dimension(one: Mapping, run: list[Grid]) -> tuple[list[tuple[str, Block]], list[dict]]:
    """A table without published values: ours by latent dimension, a block a metric."""
    parts, rows = [], []
    for grid in run:
        if not grid.systems(one["systems"].values()):
            continue
        for block in blocks(grid, one["metrics"]):
            metric, lines = block.metric, []
            for name, base in one["systems"].items():
                own = [
                    row
                    for row in block.rows
                    if row.label in grid.systems([base]) and not grid.untrained(row.label)
                ]
                unknown = {m: _plain("unknown") for m in block.dims}
                if own:
                    lines.append(Row(f"{name}, published", "", MAIN, metric, unknown))
                lines += [replace(row, label=f"{name}, ours ({row.label})") for row in own]
                rows += [
                    _csv_row(Line(_unknown(name, grid, metric), row.label, m, entry), grid)
                    for row in own
                    for m, entry in row.entries.items()
                ]
            if lines:
                title = f"{one['title']}: {block.title}"
                caption = [block.title, f"by latent dimension m on {grid.dataset}.", one["note"]]
                caption += ["Ours:", *averaged(grid), *meaning(grid, metric)]
                parts.append(
                    (
                        grid.dataset,
                        replace(
                            block,
                            metric=f"{grid.dataset}-{metric}",
                            title=title,
                            caption=" ".join(caption),
                            rows=tuple(lines),
                        ),
                    )
                )
    return parts, rows


def _unknown(system: str, grid: Grid, metric: str) -> dict:
    return {"system": system, "dataset": grid.dataset, "metric": metric, "confidence": "unknown"}


def _number(it: Mapping, decimals: int) -> str:
    """A published number, with its spread, and its mark where it was not read."""
    text = f"{it['value']:.{decimals}f}"
    text += "" if pd.isna(it["spread"]) else f" ± {it['spread']:.{decimals}f}"
    return text if it["confidence"] == "read" else f"{text} ({it['confidence']})"


def _decimals(numbers: pd.DataFrame) -> int:
    """The decimals that a table is printed with: 115.0 beside 16.6."""
    values = [value for key in ("value", "spread") for value in numbers[key].dropna()]
    return max(len(f"{value:g}".partition(".")[2]) for value in values)


def _dim(line: Line) -> str | None:
    if line.dim is None:
        return None
    wanted = line.number["dim"]
    other = pd.notna(wanted) and wanted != line.dim
    return f"{line.dim} (published: {wanted})" if other else str(line.dim)


def _plain(text: str | int) -> Entry:
    return Entry(str(text), None, 0)


def _csv_row(line: Line, grid: Grid | None) -> dict:
    it, entry = line.number, line.entry
    mean = entry.one if entry else None
    protocol = grid.protocol if grid and line.label else {}
    return {
        **{name: it.get(name) for name in ("dataset", "metric", "sampler", "system")},
        "published": it.get("value"),
        "published_spread": it.get("spread"),
        "published_trials": it.get("trials"),
        "published_dim": it.get("dim"),
        "published_protocol": it.get("protocol"),
        "source": it.get("source"),
        "confidence": it["confidence"],
        "ours": NOT_RUN if not line.label else "run",
        "label": line.label,
        "dim": line.dim,
        "mean": mean.mean if mean else None,
        "low": mean.low if mean else None,
        "high": mean.high if mean else None,
        "seeds": len(mean.seeds) if mean else 0,
        "failed": entry.failed if entry else "",
        "published_rank": line.published_rank,
        "rank": line.rank,
        **{name: protocol.get(name) for name in ("split", "features", "resizer", "samples")},
    }
