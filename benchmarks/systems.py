"""Every system's curve as one stack: what a step costs, and its share of the machine's limits."""

from bench import systems
from benchmarks.divided import Divided
from benchmarks.markdown import table
from benchmarks.measured import measure
from benchmarks.stacks import BATCH, CURVE, HIDDEN
from benchmarks.timing import Settings, spread

__all__ = ["section"]


def section(settings: Settings) -> str:
    """The table by system, of all that are trained in steps."""
    dims = CURVE[:2] if settings.small else CURVE
    names = ("wae-mmd", "aae") if settings.small else systems.names()
    cases = {name: it for name in names if (it := Divided(name, dims)).model.players()}
    rows = [
        (
            name,
            spread(it.cell_ms),
            f"{it.work.flops / 1e9:.3f}",
            f"{it.work.bytes / 1e6:.0f}",
            spread(it.arithmetic, ".0%"),
            spread(it.roofline, ".0%"),
        )
        for name, it in measure("systems", cases, settings).items()
    ]
    columns = (
        "system",
        "ms per step and cell",
        "GFLOP per step",
        "MB per step",
        "of the arithmetic limit",
        "of the time limit",
    )
    note = (
        f"synthetic-8, {HIDDEN}-{HIDDEN} perceptrons, batch {BATCH}, a stack of {len(dims)} cells "
        f"of dimensions {dims[0]} to {dims[-1]}; medians (least–most) over {settings.rounds} "
        "rounds."
    )
    return table("Systems", note, columns, rows)
