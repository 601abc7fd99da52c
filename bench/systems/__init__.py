"""The published systems, one file each, by the file's name (`wae_mmd.py` is `wae-mmd`)."""

import importlib
import pkgutil

__all__ = ["load", "names"]


def names() -> tuple[str, ...]:
    """The names of all systems, sorted. Imports none of them."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.replace("_", "-") for name in modules if name != "base"))


def load(name: str) -> type:
    """The class of a system.

    Raises:
        KeyError: there is no system of that name.
    """
    if name not in names():
        raise KeyError(f"no system {name!r}; there are {', '.join(names())}")
    return importlib.import_module(f"bench.systems.{name.replace('-', '_')}").System
