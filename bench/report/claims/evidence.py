"""What a claim is judged on: one data set's records, and the system that the claim is about."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.report.claims.outcomes import Cells, Centre, NotRun
from bench.report.curves import Grid
from bench.report.text import listing

__all__ = ["Evidence"]

_DISTANCES = ("fid", "fd_infinity", "kid")  # the columns that cautions are about


@dataclass(frozen=True)
class Evidence:
    """The records of one data set, and the label of the system in question."""

    grid: Grid
    system: str

    def cells(
        self, column: str, keep: Callable[[int], bool] = lambda m: True, system: str | None = None
    ) -> Cells:
        """A column of the system in question or of another one, at the dimensions to keep."""
        system = self.system if system is None else system
        values = self.grid.curve(system, column)
        values = values[[m for m in values if keep(m)]]
        failures = [it for it in self.grid.failures(system, column) if keep(it.dim)]
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
