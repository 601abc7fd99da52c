"""What jobs took in time and memory, which is kept beside the records: no result depends on it."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from bench import store, typed
from bench.mistake import Mistake
from bench.study import Study

__all__ = ["COLUMNS", "by_stage", "collect", "read", "write"]

COLUMNS = {
    "stage": "string",
    "dataset": "string",
    "system": "string",
    "seed": "Int64",
    "protocol": "string",
    "seconds": "Float64",
    "peak_mib": "Float64",
}
"""A job's wall time and peak memory (empty where it was too short to be measured). Of a stage that
has no seed or protocol these are empty. Of a curve whose cells are trained apart each is a job."""


def collect(study: Study, folder: str | Path) -> list[dict]:
    """The rows of a study's curves, from the files that Snakemake's `benchmark` wrote.

    A job of which there is no file has no row.

    Arguments:
        folder: of the files, as the workflow names them.

    Raises:
        Mistake: there is no such folder, or a file is none of Snakemake's.
    """
    if not Path(folder).is_dir():
        raise Mistake(f"{folder}: no such folder")
    files = {}
    for it in study.curves():
        curve = {"dataset": it.dataset, "system": it.system, "seed": it.seed}
        place = f"{it.dataset}/{it.system}/{it.seed}"
        files[f"train/{place}.tsv"] = {"stage": "train"} | curve
        for dim in it.dims:
            files[f"train/{place}/{dim}.tsv"] = {"stage": "train"} | curve
        for name in study.protocols:
            more = {"stage": "evaluate", "protocol": name}
            files[f"evaluate/{place}/{name}.tsv"] = curve | more
        drawn = {"stage": "gallery", "dataset": it.dataset, "system": it.system}
        files[f"gallery/{it.dataset}/{it.system}.tsv"] = drawn
    return [
        job | _measured(Path(folder, name))
        for name, job in files.items()
        if Path(folder, name).exists()
    ]


def write(path: str | Path, rows: Iterable[dict]) -> None:
    """Write rows as CSV, sorted by job."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(COLUMNS)
    table = table.sort_values(list(COLUMNS), kind="stable", na_position="first", ignore_index=True)
    store.write_text(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def read(path: str | Path) -> pd.DataFrame:
    """The rows of a file of `write`.

    Raises:
        Mistake: other columns, a value of another type, or a job without its time.
    """
    table = typed.read(path, COLUMNS, "a table of costs")
    if table[["stage", "seconds"]].isna().any(axis=None):
        raise Mistake(f"{path}: a job without its stage or seconds")
    return table


def by_stage(table: pd.DataFrame | None) -> list[dict]:
    """Of each stage how many jobs it had, their hours together, the longest one's seconds, and the
    most memory in MiB, None where it was not measured."""
    if table is None:
        return []
    return [
        {
            "stage": stage,
            "jobs": len(jobs),
            "hours": float(jobs["seconds"].sum() / 3600),
            "longest": float(jobs["seconds"].max()),
            "peak": float(peak) if pd.notna(peak := jobs["peak_mib"].max()) else None,
        }
        for stage, jobs in table.groupby("stage")
    ]


def _measured(path: Path) -> dict:
    """Seconds and peak memory (resident set, in MiB) of a job."""
    try:
        table = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
        last = table[["s", "max_rss"]].astype(float).iloc[-1]
    except (ValueError, KeyError, IndexError) as error:
        raise Mistake(f"{path}: not a benchmark of Snakemake's: {error}") from None
    return {"seconds": last["s"], "peak_mib": last["max_rss"]}
