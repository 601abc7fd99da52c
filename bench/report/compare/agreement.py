"""Whether two tables come of one environment, so that equal bytes can be asked for."""

from collections.abc import Mapping

__all__ = ["disagreement"]

# What a change of the code does to the numbers is what a comparison is to tell.
_FREE = {"code"}


def disagreement(then: Mapping | None, now: Mapping | None) -> str:
    """Why two environments do not agree, in words; empty where they do.

    Arguments:
        then, now: as `bench.environment.read` gives them: by name the values with their counts. All
            names but `code` must have one value each, and the same. None, of nobody having recorded
            it, agrees with nothing.
    """
    for side, found in (("reference", then), ("results", now)):
        if not found:
            return f"no environment.json lies beside the {side}"
    for name in sorted((then.keys() | now.keys()) - _FREE):
        values = [sorted(found.get(name, ())) for found in (then, now)]
        if values[0] != values[1] or len(values[0]) != 1:
            first, second = (" or ".join(it) or "unknown" for it in values)
            return f"{name} is {first} in the reference and {second} in the results"
    return ""
