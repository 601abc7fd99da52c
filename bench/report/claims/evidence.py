"""What a claim is judged on: one data set's records, and the system that the claim is about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.report.claims.outcomes import Cells, Centre, NotRun
from bench.report.claims.systems import of_base, rivals
from bench.report.curves import Failure, Grid
from bench.report.text import listing

__all__ = ["Evidence"]

_DISTANCES = ("fid", "fd_infinity", "kid")  # the columns that cautions are about


@dataclass(frozen=True)
class Evidence:
    """The records of one data set, the label of the system in question, and histories if any.

    `history` has the columns of `bench.history`, of any data sets.
    """

    grid: Grid
    system: str
    history: pd.DataFrame | None = None

    def cells(
        self, column: str, keep: Callable[[int], bool] = lambda m: m > 0, system: str | None = None
    ) -> Cells:
        """A column of the system in question or of another one, at the dimensions to keep: all
        but m = 0, a model without a code, which is on no curve.

        Raises:
            NotRun: models were measured there, and none has such a number.
        """
        system = self.system if system is None else system
        values = self.grid.curve(system, column)
        values = values[[m for m in values if keep(m)]]
        failures = [it for it in self.grid.failures(system, column) if keep(it.dim)]
        if values.isna().all(axis=None) and any(it.reason == f"no {column}" for it in failures):
            raise NotRun(f"no {column} of {system} in these records.")
        cautions = self.grid.cautions(system) if column in _DISTANCES else []
        return Cells(system, values, failures, cautions)

    def centre(self) -> Centre:
        """The true dimension n, or the argmin of the critic AAE's mean curve, as the paper has it.

        Source: Mondal et al., MaskAAE: Latent space optimization for Adversarial Auto-Encoders,
        2020.

        Raises:
            NotRun: there is neither.
        """
        n = self.grid.true_dim
        if n is not None:
            return Centre(n, f"n = {n} is the data's true dimension")
        labels = self.grid.systems(["aae"])
        if not labels:
            raise NotRun("n is unknown, and there is no aae to estimate it from.")
        if len(labels) > 1 and "aae" not in labels:
            several = f"there are several aae to estimate it from: {listing(labels)}."
            raise NotRun(f"n is unknown, and {several}")
        label = "aae" if "aae" in labels else labels[0]
        cells = self.cells("fid", system=label)
        if cells.values.isna().all(axis=None):
            raise NotRun(f"n is unknown, and {label} has no distance to estimate it from.")
        n = int(cells.values.mean().idxmin())
        return Centre(n, f"n estimated as {n} from {label}", cells)

    def inner_centre(self) -> Centre:
        """The same; an estimate must not be at an end of its curve.

        Raises:
            NotRun: there is none, or one at an end.
        """
        centre = self.centre()
        if centre.cells is not None and centre.n in centre.cells.values.columns[[0, -1]]:
            reason = f"{centre.source}, an end of that curve: the minimum may lie outside."
            raise NotRun(reason, centre)
        return centre

    def rivals(self, selector: Mapping) -> list[str]:
        """The labels to compare the system in question with; see `systems.rivals`.

        Raises:
            NotRun: there is none.
        """
        labels = rivals(self.grid, self.system, selector)
        if not labels:
            alike = selector.get("same", [])
            alike = "all else the same" if alike == "all" else f"the same {', '.join(alike)}"
            alike = f" and {alike}" if selector.get("same") else ""
            reason = f"no trained system {of_base(selector)}{alike} to compare"
            raise NotRun(f"{reason} {self.system} with.")
        return labels

    def dims(
        self, rule: str | Sequence[int], labels: Sequence[str] = ()
    ) -> tuple[list[int], Centre | None, str]:
        """The dimensions of a rule that the system in question and all others named have.

        m = 0 is a model without a code, the same whatever the prior: only a list may name it.

        With them comes n where the rule asks for it, and a note where n cannot be had, so that
        every dimension counts.

        Raises:
            NotRun: there is none.
        """
        rows = self.grid.records[["system", "dim"]].dropna()
        shared = set.intersection(
            *(
                {int(m) for m in rows.loc[rows["system"] == it, "dim"]}
                for it in (self.system, *labels)
            )
        )
        dims = sorted(shared if isinstance(rule, (list, tuple)) else shared - {0})
        centre, note = None, ""
        if rule == "largest":
            kept = dims[-1:]
        elif rule in ("from-n", "beyond-n"):
            try:
                centre = self.inner_centre()
            except NotRun:
                note = " n is unknown: every m counts."
            least = 0 if centre is None else centre.n + (rule == "beyond-n")
            kept = [m for m in dims if m >= least]
        else:
            kept = dims if rule == "all" else [m for m in dims if m in rule]
        if not kept:
            if not dims:
                raise NotRun("the systems share no dimension.", centre)
            sign = "≥" if rule == "from-n" else ">"
            asked = f"m = {listing(rule)}" if centre is None else f"m {sign} n = {centre.n}"
            raise NotRun(f"no {asked} among the dimensions {listing(dims)}.", centre)
        return kept, centre, note

    def shared(
        self, rule: str | Sequence[int], labels: Sequence[str]
    ) -> tuple[dict[str, list[int]], Centre | None, str]:
        """The dimensions of a rule that the system in question and each label have, by label: what
        one lacks is still compared with the others. The `largest` is that of all.

        Raises:
            NotRun: a label has none; see `dims`.
        """
        if rule == "largest":
            found = dict.fromkeys(labels, self.dims(rule, labels))
        else:
            found = {it: self.dims(rule, [it]) for it in labels}
        _, centre, note = found[labels[0]]
        return {it: dims for it, (dims, *_) in found.items()}, centre, note

    def epochs(self, quantity: str, dim: int, system: str | None = None) -> pd.DataFrame:
        """A quantity of training [seeds, epochs], NaN where it is not told, and of cells that
        failed: the history of a training may be whole all the same. Where training is of few
        epochs there are several columns in one, named by their ends.

        Raises:
            NotRun: nothing is told of it.
        """
        system = self.system if system is None else system
        if self.history is None:
            raise NotRun("there is no history of training beside these records.")
        told = self.history
        told = told[(told["dataset"] == self.grid.dataset) & (told["system"] == system)]
        told = told[(told["quantity"] == quantity) & (told["dim"] == dim)]
        if told.empty:
            raise NotRun(f"the history of training tells no {quantity} of {system}.")
        wide = told.pivot(index="seed", columns="epoch", values="value").astype(float)
        wide = wide.rename(index=int, columns=lambda it: int(it) if it == int(it) else it)
        gone = [seed for m, seed in self._gone(system) if m == dim]
        return wide.drop(index=gone, errors="ignore").reindex(self.grid.seeds).sort_index(axis=1)

    def told(self, quantity: str, values: pd.DataFrame, system: str | None = None) -> Cells:
        """Numbers from the history [seeds, dims], with the cells that have none."""
        system = self.system if system is None else system
        gone, failures = self._gone(system), []
        for dim, seeds in values.items():
            for seed in seeds.index[seeds.isna()]:
                without = Failure(system, int(dim), int(seed), f"no {quantity} in the history")
                failures.append(gone.get((dim, seed), without))
        return Cells(system, values, failures)

    def _gone(self, system: str) -> dict[tuple[int, int], Failure]:
        """The cells without a record that is done, by dimension and seed."""
        failures = self.grid.failures(system)
        return {(it.dim, it.seed): it for it in failures if not it.reason.startswith("no ")}
