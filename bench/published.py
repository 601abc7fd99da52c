"""Numbers that sources print, read strictly from `results/published`: one file a source."""

import json
import math
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench import data, systems
from bench.mistake import Mistake

__all__ = ["COLUMNS", "CONFIDENCES", "FOLDER", "Mark", "matches", "read"]

FOLDER = Path(__file__).parents[1] / "results" / "published"
"""Where a checkout has them."""

COLUMNS = {
    "system": "string",
    "base": "string",
    "options": "string",
    "dataset": "string",
    "metric": "string",
    "sampler": "string",
    "dim": "Int64",
    "epoch": "Int64",
    "value": "Float64",
    "spread": "Float64",
    "trials": "Int64",
    "protocol": "string",
    "source": "string",
    "place": "string",
    "confidence": "string",
}
"""Columns and their types; see docs/architecture.md for what they mean."""

CONFIDENCES = {
    "read": "read in the source",
    "unverified": "not checked against the source",
    "inferred": "not stated by the source, but inferred",
}
"""How sure a number is; all but `read` bear a mark wherever they are shown."""

_NEEDED = ("system", "dataset", "metric", "value", "protocol", "source", "place", "confidence")
_KEY = ["paper", "place", "system", "dataset", "metric", "sampler", "dim", "epoch", "protocol"]


class Mark(NamedTuple):
    """A number of a source on a curve by epoch; the epoch is None or NA where it is not known."""

    label: str
    epoch: int | None
    value: float


def read(folder: str | Path = FOLDER) -> pd.DataFrame:
    """All published numbers, typed, in the order of files and lines.

    The column `paper`, before those of `COLUMNS`, is the name of the file; `options` stays text.

    Raises:
        Mistake: there is no file, or one has other columns, an empty or wrong value (named by file
            and line), or a number twice.
    """
    files = sorted(Path(folder).glob("*.csv"))
    if not files:
        raise Mistake(f"{folder}: no files of published numbers (*.csv)")
    table = pd.concat([_file(path) for path in files], ignore_index=True)
    if (twice := table.duplicated(_KEY)).any():
        named = ", ".join(table.loc[twice, _KEY].iloc[0].dropna().astype(str))
        raise Mistake(f"{folder}: one number twice: {named}")
    return table


def matches(options: str | None, own: dict) -> bool:
    """Whether a label's options, as far as its study set them, are those of a published row.

    `options` is the row's JSON: an option's value, or the list of those that fit, in which null
    stands for one that the study left at its default. Options that it does not name may be any.
    """
    wanted = {} if pd.isna(options) else json.loads(options)
    return all(
        own.get(name) in (fits if isinstance(fits, list) else [fits])
        for name, fits in wanted.items()
    )


def _file(path: Path) -> pd.DataFrame:
    # As texts, so that what is wrong can be named by its line.
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False)
    except (ValueError, OSError) as error:
        raise Mistake(f"{path}: not a table of published numbers: {error}") from None
    if list(table.columns) != list(COLUMNS):
        raise Mistake(f"{path}: the columns of published numbers are {', '.join(COLUMNS)}")
    rows = []
    for line, row in enumerate(table.to_dict("records"), start=2):
        try:
            rows.append({"paper": path.stem} | _row(row))
        except ValueError as error:
            raise Mistake(f"{path}, line {line}: {error}") from None
    types = {"paper": "string"} | COLUMNS
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def _row(texts: dict[str, str]) -> dict:
    for name in _NEEDED:
        if not texts[name]:
            raise ValueError(f"{name} is empty")
    row = {name: _value(name, text) if text else None for name, text in texts.items()}
    for name, allowed in (
        ("confidence", tuple(CONFIDENCES)),
        ("dataset", data.names()),
        ("base", ("", *systems.names())),
    ):
        if texts[name] not in allowed:
            raise ValueError(
                f"{name} is {texts[name]}, not one of {', '.join(filter(None, allowed))}"
            )
    if texts["options"]:
        _check_options(texts["options"], texts["base"])
    return row


def _value(name: str, text: str) -> str | int | float:
    if COLUMNS[name] == "string":
        return text
    whole = COLUMNS[name] == "Int64"
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    # What the sources count and spread is not below 0; a value itself may be (an MMD).
    if not math.isfinite(value) or (name != "value" and value < 0):
        kind = ("a number" if name == "value" else "a number ≥ 0") if not whole else "a count"
        raise ValueError(f"{name} is {text}, not {kind}")
    return value


def _check_options(text: str, base: str) -> None:
    if not base:
        raise ValueError("options without a base")
    try:
        right = isinstance(json.loads(text), dict)
    except ValueError:
        right = False
    if not right:
        raise ValueError(f"options are {text}, not a JSON object")
