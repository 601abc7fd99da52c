"""Whether two tables come of one environment, so that equal digits can be asked for."""

from collections.abc import Mapping

__all__ = ["disagreement"]


def disagreement(then: Mapping | None, now: Mapping | None) -> str:
    """Why two environments do not agree, in words; empty where they do.

    Arguments:
        then, now: as `bench.environment.read` gives them. All names must have one value each, and
            the same. None, of nobody having recorded it, agrees with nothing.
    """
    for side, found in (("reference", then), ("results", now)):
        if not found:
            return f"no environment.json lies beside the {side}"
    sides = [_values(found) for found in (then, now)]
    for name in sorted(sides[0].keys() | sides[1].keys()):
        values = [sorted(side.get(name, ())) for side in sides]
        if values[0] != values[1] or len(values[0]) != 1:
            first, second = (" or ".join(it) or "unknown" for it in values)
            return f"{name} is {first} in the reference and {second} in the results"
    return ""


def _values(found: Mapping) -> dict[str, set[str]]:
    """The values by name, of all environments together."""
    values: dict[str, set[str]] = {}
    for described in found.values():
        for name, counts in described.items():
            values.setdefault(name, set()).update(counts)
    return values
