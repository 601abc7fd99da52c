"""The two sides of a comparison: read, and refused where they are not of one study and protocol."""

from pathlib import Path

import pandas as pd

from bench import environment as environments
from bench import records
from bench.mistake import Mistake
from bench.report import results
from bench.report.results import Results

__all__ = ["KEY", "file", "read", "refuse_strangers"]

KEY = ["dataset", "system", "dim", "protocol", "seed"]

_PROTOCOL = ["split", "features", "resizer", "stretch", "checkpoint", "samples", "draws"]
_HASHES = ["data", "extractor"]
_TRAINING = ["true_dim", "base", "net", "batch", "steps", "schedule", "options"]


def file(path: str | Path) -> Path:
    """A table of records, or the one in a folder."""
    path = Path(path)
    return path / "records.csv" if path.is_dir() else path


def read(path: str | Path) -> Results:
    """A table of records, or the folder that holds it as `records.csv`, with what a comparison
    looks at beside it: `history.csv`, `experiments.csv`, `environment.json`.

    Raises:
        Mistake: a file is not what its name says.
    """
    path = file(path)
    environment = path.with_name("environment.json")
    return Results(
        records.read(path),
        history=results.training(path),
        environment=environments.read(environment) if environment.exists() else None,
        experiments=results.experiments(path),
    )


def refuse_strangers(reference: pd.DataFrame, results: pd.DataFrame) -> None:
    """Refuse two tables that cannot be compared.

    Raises:
        Mistake: another study, no cell in common, or one that was trained or measured in another
            way, or on other data.
    """
    names = [sorted(table["study"].dropna().unique()) for table in (reference, results)]
    if names[0] != names[1]:
        then, now = (", ".join(it) or "none" for it in names)
        raise Mistake(f"cannot compare: the study of the reference is {then}, of the results {now}")
    both = reference.merge(results, on=KEY, suffixes=("_then", "_now"))
    if both.empty:
        raise Mistake("cannot compare: the reference and the results have no cell in common")
    done = (both["status_then"] == "done") & (both["status_now"] == "done")
    for columns, rows in ((_PROTOCOL + _HASHES, both), (_TRAINING, both[done])):
        for column in columns:
            then, now = rows[f"{column}_then"], rows[f"{column}_now"]
            # Hashes were not always recorded.
            unknown = then.isna() | now.isna() if column in _HASHES else then.isna() & now.isna()
            differ = ~((then == now).fillna(False) | unknown)
            if differ.any():
                one = rows[differ].iloc[0]
                raise Mistake(
                    f"cannot compare: {one['dataset']}, {one['system']}, protocol "
                    f"{one['protocol']}: {column} is {one[f'{column}_then']} in the reference "
                    f"and {one[f'{column}_now']} in the results"
                )
