"""What a step costs by number of cells, latent dimensions and the nets' width."""

from collections.abc import Mapping, Sequence

from benchmarks.divided import Divided
from benchmarks.markdown import table
from benchmarks.measured import measure
from benchmarks.stacks import BATCH, CURVE, HIDDEN
from benchmarks.timing import Settings, spread

__all__ = ["cells", "dims", "width"]

_SYSTEMS = ("wae-mmd", "aae")


def cells(settings: Settings) -> str:
    """The table by number of cells: a curve's dimensions, 32 of them two curves'."""
    counts = (1, 2) if settings.small else (1, 2, 4, 8, 16, 32)
    stacks = {str(it): (_spread_out(it), HIDDEN) for it in counts}
    note = f"Latent dimensions 2 to {CURVE[-1]}, of one cell {CURVE[-1]}; nets {HIDDEN}-{HIDDEN}."
    return _table("Cells", note, "cells", "cells", stacks, settings)


def dims(settings: Settings) -> str:
    """The table by the largest of eight latent dimensions."""
    tops = (8,) if settings.small else (8, 16, 32, 64)
    stacks = {str(it): (range(it // 8, it + 1, it // 8), HIDDEN) for it in tops}
    note = f"8 cells, evenly spaced up to this dimension; nets {HIDDEN}-{HIDDEN}."
    return _table("Dimensions", note, "largest dimension", "dims", stacks, settings)


def width(settings: Settings) -> str:
    """The table by the nets' width."""
    widths = (8, 16) if settings.small else (64, 128, 256, 512, 1024)
    stacks = {str(it): (_spread_out(8), it) for it in widths}
    note = f"8 cells of dimensions 2 to {CURVE[-1]}; two hidden layers of this width."
    return _table("Width", note, "width", "width", stacks, settings)


def _spread_out(count: int) -> list[int]:
    """So many of a curve's dimensions, the largest among them."""
    if count >= len(CURVE):
        return [*CURVE] * (count // len(CURVE))
    return [CURVE[(i + 1) * len(CURVE) // count - 1] for i in range(count)]


def _table(
    title: str,
    note: str,
    first: str,
    short: str,
    stacks: Mapping[str, tuple[Sequence[int], int]],
    settings: Settings,
) -> str:
    cases = {
        f"{system} {label}": Divided(system, *stack)
        for system in _SYSTEMS
        for label, stack in stacks.items()
    }
    found = measure(short, cases, settings)
    rows = []
    for label in stacks:
        row = [label]
        for system in _SYSTEMS:
            it = found[f"{system} {label}"]
            row += [spread(it.cell_ms), spread(it.arithmetic, ".0%")]
        rows.append(row)
    columns = [first]
    for system in _SYSTEMS:
        columns += [f"{system}: ms per step and cell", "of the arithmetic limit"]
    note = f"{note} Batch {BATCH}; medians (least–most) over {settings.rounds} rounds."
    return table(title, note, columns, rows)
