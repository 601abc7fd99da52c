"""Which labels of a study a claim means: by base, by options, and by what a pair has in common."""

from collections.abc import Mapping

from bench.report.curves import Grid

__all__ = ["described", "matching", "of_base", "rivals"]


def matching(grid: Grid, selector: Mapping) -> list[str]:
    """The labels of a selector's bases (or of all others, `except`) with its options, sorted.

    An option's values are those that match; `null` is an option that the study does not set.
    """
    options = selector.get("options", {})
    return [
        label
        for label in grid.systems(selector.get("bases"))
        if grid.base(label) not in selector.get("except", [])
        and all(grid.options(label).get(key) in values for key, values in options.items())
    ]


def rivals(grid: Grid, system: str, selector: Mapping) -> list[str]:
    """The trained labels that a system is compared with: those of a selector that have the same
    values of the options that it names as `same`, where `all` is the base and every option that
    the selector does not name."""
    return [
        label
        for label in matching(grid, selector)
        if label != system
        and not grid.untrained(label)
        and _shared(grid, label, selector) == _shared(grid, system, selector)
    ]


def of_base(selector: Mapping) -> str:
    """A selector after a noun: `of base vae`, `of any other base`."""
    return f"of {'base ' if 'bases' in selector else ''}{described(selector)}"


def described(selector: Mapping) -> str:
    """A selector in words: `vae with likelihood = bernoulli`."""
    bases = " or ".join(selector["bases"]) if "bases" in selector else "any other base"
    options = [
        f"{key} = {' or '.join('the default' if it is None else str(it) for it in values)}"
        for key, values in selector.get("options", {}).items()
    ]
    return f"{bases} with {', '.join(options)}" if options else bases


def _shared(grid: Grid, label: str, selector: Mapping) -> dict:
    same, options = selector.get("same", []), grid.options(label)
    if same == "all":
        named = selector.get("options", {})
        return {"": grid.base(label)} | {k: v for k, v in options.items() if k not in named}
    return {key: options.get(key) for key in same}
