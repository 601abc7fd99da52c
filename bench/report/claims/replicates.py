"""What a claim on an experiment is judged on: that experiment's replicates."""

from dataclasses import dataclass

import pandas as pd

from bench.report.claims.outcomes import Cells, NotRun

__all__ = ["Replicates", "place"]


@dataclass(frozen=True)
class Replicates:
    """The rows of one experiment, with the columns of `bench.experiments.base`."""

    experiment: str
    rows: pd.DataFrame

    def values(self, quantity: str) -> Cells:
        """A quantity [seeds, settings]; where there is nothing to set, the one setting is None.

        Raises:
            NotRun: the experiment tells nothing of it.
        """
        rows = self.rows[self.rows["quantity"] == quantity]
        if rows.empty:
            raise NotRun(f"the experiment {self.experiment} tells no {quantity}.")
        seeds = sorted(self.rows["seed"].astype(int).unique())
        columns = {
            None if pd.isna(setting) else int(setting): own.set_index("seed")["value"]
            for setting, own in rows.groupby("setting", dropna=False)
        }
        values = pd.DataFrame({key: own.astype(float) for key, own in columns.items()})
        # pandas makes NaN of None among column names.
        values.columns = pd.Index(list(columns), dtype=object)
        return Cells(quantity, values.rename(index=int).reindex(seeds))


def place(setting: int | None) -> str:
    """A setting in words, empty where there is nothing to set: it is a number of points."""
    return "" if setting is None else f"N = {setting}"
