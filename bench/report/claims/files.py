"""The ledger and all verdicts as a file, and the verdicts as lines for a terminal."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from bench import store
from bench.report.claims.judging import judge
from bench.report.claims.ledger import read

__all__ = ["summary", "write"]


def write(
    records: pd.DataFrame,
    path: str | Path,
    history: pd.DataFrame | None = None,
    experiments: pd.DataFrame | None = None,
) -> None:
    """Write the ledger and all verdicts as JSON, floats with 6 significant digits."""
    verdicts = [asdict(it) for it in judge(records, history, experiments)]
    content = {"claims": read(), "verdicts": verdicts}
    text = json.dumps(_rounded(content), indent=1, ensure_ascii=False, allow_nan=False)
    store.write_text(path, text + "\n")


def summary(path: str | Path) -> str:
    """The verdicts of a file of `write`, for a terminal: two lines each."""
    verdicts = json.loads(Path(path).read_text(encoding="utf-8"))["verdicts"]
    return "\n".join(
        f"{one['verdict']:<14}  {one['claim']} · {one['dataset']}"
        f"{' · ' + one['system'] if one['system'] else ''}"
        f"{' (' + one['variant'] + ')' if one['variant'] else ''}\n    {one['finding']}"
        for one in verdicts
    )


def _rounded(content):
    if isinstance(content, float):
        return float(f"{content:.6g}")
    if isinstance(content, Mapping):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(value) for value in content]
    return content
