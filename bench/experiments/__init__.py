"""Experiments: numbers that need no trained model, one file each, by the file's name."""

import importlib
import pkgutil
from types import ModuleType

__all__ = ["load", "names"]


def names() -> tuple[str, ...]:
    """The names of all experiments, sorted. Imports none of them."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.replace("_", "-") for name in modules if name != "base"))


def load(name: str) -> ModuleType:
    """The module of an experiment. Its `run(seed: int) -> list[dict]` gives one replicate: rows
    with `quantity`, `setting` (an integer, or None) and `value`.

    Raises:
        KeyError: there is no experiment of that name.
    """
    if name not in names():
        raise KeyError(f"no experiment {name!r}; there are {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
