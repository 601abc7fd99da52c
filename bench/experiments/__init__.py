"""Experiments: numbers that need no trained model, one file each, by the file's name."""

from types import ModuleType

from bench.registry import Registry

__all__ = ["load", "names"]

_EXPERIMENTS = Registry(__name__, "experiment", besides=["base"])


def names() -> tuple[str, ...]:
    """The names of all experiments, sorted. Imports none of them."""
    return _EXPERIMENTS.names()


def load(name: str) -> ModuleType:
    """The module of an experiment. Its `run(seed: int) -> list[dict]` gives one replicate: rows
    with `quantity`, `setting` (an integer, or None) and `value`.

    Raises:
        KeyError: there is no experiment of that name.
    """
    return _EXPERIMENTS.module(name)
