"""The failures of a data set, said once where many are one."""

from bench.report.curves import MAIN, Grid

__all__ = ["condensed", "gaps"]


def condensed(grid: Grid) -> list[tuple[str, tuple | None]]:
    """A line for each failure, and the keys of its record where there is one to lead to.

    A data set, or a system, of which all is missing is one line. Of the other protocols only what
    main does not say is named: a model that diverged did so under every protocol.
    """
    if count := grid.untrained():
        return [(f"all {count} cells {grid.lost()}", None)]
    lines, said = [], set()
    for one in (grid, *grid.others):
        where = "" if one.name == MAIN else f"{one.name}: "
        for label in one.systems():
            if count := one.untrained(label):
                if label not in said:
                    lines.append((f"{where}{label}: all {count} cells {one.lost(label)}", None))
                    said.add(label)
                continue
            for it in one.failures(label):
                if it in said:
                    continue
                said.add(it)
                record = (grid.dataset, it.system, it.dim, it.seed, one.name)
                lines.append((f"{where}{it}", None if it.reason == "missing" else record))
    return lines


def gaps(grid: Grid) -> str:
    """Where a figure's means are over fewer seeds than the study has, as `aae: 3 of 5 seeds at
    m = 8, 16`; empty where nowhere."""
    of, told = len(grid.seeds), []
    for label in grid.systems():
        if grid.untrained(label):
            told.append(f"{label}: 0 of {of} seeds")
            continue
        left: dict[int, list[int]] = {}
        for m, values in grid.curve(label).items():
            if (count := int(values.notna().sum())) < of:
                left.setdefault(count, []).append(int(m))
        told += [
            f"{label}: {count} of {of} seeds at m = {', '.join(map(str, dims))}"
            for count, dims in sorted(left.items())
        ]
    return "; ".join(told)
