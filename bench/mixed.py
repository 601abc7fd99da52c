"""Whether records belong together: made by one code, in one environment, of the same data."""

from collections import Counter

import pandas as pd

from bench.records import ABSENT

__all__ = ["mixtures"]

_UNRECORDED = "unrecorded"


def mixtures(table: pd.DataFrame) -> list[str]:
    """What differs among records that should have it in common, a text each; empty where nothing.

    One environment and device for all; one code of the trainer and of the measurement for all, and
    one of each system; the same data of each data set, and the same features of each of its
    protocols. Records that do not tell differ from those that do.
    """
    rows = table[~table["status"].isin(ABSENT)]
    rows = rows.assign(code=rows["code"].fillna(_UNRECORDED))
    codes = rows["code"].str.split("-")
    cells = rows["dim"].notna()
    found = [
        _told("environments", "", rows["environment"].fillna(_UNRECORDED).str.split("+").explode()),
        _told("devices", "", rows["device"]),
        _told("code", "the trainer", codes[cells].str[0]),
        _told("code", "the measurement", codes.str[-1]),
    ]
    # Of a system that has another one for a stage both are told, its own first.
    own = codes[cells].str[1].astype("string")
    for base, told in own.str.split("+").str[0].groupby(rows["base"]):
        found.append(_told("code", str(base), told))
    staged = own[own.str.contains("+", regex=False, na=False)]
    for label, told in staged.groupby(rows["system"]) if len(staged) else ():
        found.append(_told("code", f"{label} and its stage", told))
    for dataset, own in rows.groupby("dataset"):
        found.append(_told("data", str(dataset), own["data"]))
    for (dataset, protocol), own in rows.groupby(["dataset", "protocol"]):
        found.append(_told("features", f"{dataset}, protocol {protocol}", own["extractor"]))
    return [it for it in found if it]


def _told(what: str, of: str, values: pd.Series) -> str:
    """How many records have which value, where there are several."""
    counts = Counter(values.astype("string").fillna(_UNRECORDED))
    if len(counts) < 2:
        return ""
    listed = ", ".join(f"{it} ({n} records)" for it, n in sorted(counts.items()))
    return f"different {what}{' of ' if of else ''}{of}: {listed}"
